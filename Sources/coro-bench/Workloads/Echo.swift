import Coroutines
import Glibc

extension Workload {
  static let echoUnix = Workload(
    name: "echo-unix",
    summary: "echo on a Unix socket, load on another core (--connections, --size)",
    figures: EchoFigures.all,
    cases: { settings in EchoFigures.cases(settings, defaults: [(50, 64)]) },
    measure: { round in
      try EchoFigures.measure(round, at: .unix(abstract: "coro-bench-\(getpid())"))
    })

  static let echoTCP = Workload(
    name: "echo-tcp",
    summary: "echo on loopback TCP, load on another core (--connections, --size)",
    figures: EchoFigures.all,
    cases: { settings in
      let quick = [(1, 64), (50, 64)]
      let more = [(1000, 64), (50, 16_384)]
      return EchoFigures.cases(settings, defaults: settings.isQuick ? quick : quick + more)
    },
    measure: { round in try EchoFigures.measure(round, at: .inet("127.0.0.1", port: 0)) })
}

/// What is common to echo over any kind of stream.
private enum EchoFigures {
  /// The first one is what a busy load generator can't mask.
  static let all = [
    Figure(name: "CPU", unit: "µs/request"),
    Figure(name: "rate", unit: "requests/s"),
    Figure(name: "p50", unit: "µs"),
    Figure(name: "p99", unit: "µs"),
  ]

  static func cases(_ settings: Settings, defaults: [(Int, Int)]) -> [Case] {
    let isGiven = settings.connections != nil || settings.size != nil
    let chosen = isGiven ? [(settings.connections ?? 50, settings.size ?? 64)] : defaults
    return chosen.map { connections, size in
      Case(
        label: "\(connections) × \(size) B",
        parameters: Parameters(["connections": "\(connections)", "size": "\(size)"]))
    }
  }

  static func measure(
    _ round: Round, at address: @autoclosure () throws -> Socket.Address
  ) throws -> [Double] {
    let load = LoadDescription(
      connections: try round.parameters.number("connections"),
      size: try round.parameters.number("size"), duration: round.duration,
      processor: round.loadProcessor)
    return try Coroutine.run(on: round.backend.choice) {
      let server = try ConnectionServer(.echo, at: address())
      Coroutine(name: "server", daemon: true) { try server.run() }.start()
      let result = try load.run(against: server.address)
      return [
        Double(result.serverNanoseconds) / 1000 / Double(result.requests),
        Double(result.requests) * 1e9 / Double(result.nanoseconds),
        Double(result.percentile(0.5)) / 1000, Double(result.percentile(0.99)) / 1000,
      ]
    }
  }
}
