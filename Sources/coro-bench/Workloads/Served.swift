// What a server in one process does for a load in another.

extension Workload {
  static let echoUnix = Workload(
    name: "echo-unix",
    summary: "echo on a Unix socket, load on another core (--connections, --size)",
    load: ServiceLoad(service: "echo", transport: .unix, mode: .echo, answer: "request"),
    cases: { settings in served(settings, quick: [(50, 64)], more: []) })

  static let echoTCP = Workload(
    name: "echo-tcp",
    summary: "echo on loopback TCP, load on another core (--connections, --size)",
    load: ServiceLoad(service: "echo", transport: .tcp, mode: .echo, answer: "request"),
    cases: { settings in
      served(
        settings, quick: [(1, 64), (50, 64)],
        more: [(4, 64), (1000, 64), (10_000, 64), (50, 1024), (50, 16_384)])
    })

  static let stream = Workload(
    name: "stream",
    summary: "echo of four messages in flight a connection, which one task receives and one sends",
    load: ServiceLoad(service: "stream", transport: .tcp, mode: .stream, answer: "message"),
    cases: { settings in served(settings, quick: [(50, 512)], more: []) })

  static let exchange = Workload(
    name: "exchange",
    summary: "connect, one message there and back, close: how fast connections are accepted",
    load: ServiceLoad(service: "echo", transport: .tcp, mode: .exchange, answer: "connection"),
    cases: { settings in served(settings, quick: [(50, 64)], more: []) })

  static let datagram = Workload(
    name: "datagram", summary: "echo of UDP datagrams on one socket",
    load: ServiceLoad(service: "datagram", transport: .udp, mode: .datagram, answer: "datagram"),
    cases: { settings in served(settings, quick: [(50, 64)], more: []) })

  static let mixed = Workload(
    name: "mixed",
    summary: "echo on TCP, while ten tasks compute in slices of 1 ms: look at the latencies",
    load: ServiceLoad(service: "mixed", transport: .tcp, mode: .echo, answer: "request"),
    cases: { settings in served(settings, quick: [(1000, 64)], more: []) })

  static let threads = Workload(
    name: "threads",
    summary: "echo on TCP by two threads with a loop each, on all cores, as is the load",
    load: ServiceLoad(service: "echo", transport: .tcp, mode: .echo, answer: "request"),
    cases: { settings in
      served(settings, quick: [(1000, 64)], more: []).map { item in
        Case(
          label: "2 threads, \(item.label)", parameters: item.parameters.adding("threads", "2"))
      }
    })
}

/// Cases of connections and bytes of a message.
private func served(
  _ settings: Settings, quick: [(Int, Int)], more: [(Int, Int)]
) -> [Case] {
  let isGiven = settings.connections != nil || settings.size != nil
  let (connections, size) = quick[quick.count - 1]
  let chosen =
    isGiven
    ? [(settings.connections ?? connections, settings.size ?? size)]
    : settings.isQuick ? quick : (quick + more).sorted { $0 < $1 }
  return chosen.map { connections, size in
    Case(
      label: "\(connections) × \(size) B",
      parameters: Parameters(["connections": "\(connections)", "size": "\(size)"]))
  }
}
