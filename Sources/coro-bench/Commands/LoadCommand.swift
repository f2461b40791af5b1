import ArgumentParser

/// The load on a server; the workloads start it, see `LoadDescription`.
struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Loads a server and prints what came of it.",
    discussion: """
      Prints lines with tabs: requests, nanoseconds, server and generator (CPU time in ns), calls, \
      lost, and for each latency in ns that occurred how often it did.
      """,
    shouldDisplay: false)

  @Option(help: "\(LoadMode.allCases.map(\.rawValue).joined(separator: ", ")).")
  var mode: LoadMode = .echo
  @Option var tcp: String?
  @Option(help: "A path, or @ and an abstract name.") var unix: String?
  @Option(help: "For the mode datagram.") var udp: String?
  @Option var connections: Int = 50
  @Option(help: "Bytes of a message.") var size: Int = 64
  @Option(help: "Messages that each connection has on its way, in the mode stream.")
  var depth: Int = 4
  @Option var warmUpMs: Int = 200
  @Option var durationMs: Int = 1000
  @Option(help: "The server's process.") var server: Int32?
  @Flag(help: "Count its system calls.") var calls = false
  @Option(help: "The processor to run on.") var processor: Int?

  func validate() throws {
    guard [tcp, unix, udp].count(where: { $0 != nil }) == 1 else {
      throw ValidationError("Give one of --tcp, --unix and --udp.")
    }
    guard (mode == .datagram) == (udp != nil) else {
      throw ValidationError("The mode datagram, and no other one, needs --udp.")
    }
    guard connections > 0, size > 0, depth > 0 else {
      throw ValidationError("--connections, --size and --depth must be at least 1.")
    }
    let sizeMin = MemoryLayout<DatagramLoad.SerialNumber>.size
    if mode == .datagram, size < sizeMin {
      throw ValidationError("A datagram must have \(sizeMin) bytes at least.")
    }
  }

  func run() throws {
    if let processor { Processors.pin(to: processor) }
    DescriptorLimit.raise()
    let target = try target
    let result =
      switch mode {
      case .echo:
        try measure(StreamLoad(to: target, connections: connections, size: size, depth: 1))
      case .stream:
        try measure(StreamLoad(to: target, connections: connections, size: size, depth: depth))
      case .exchange:
        try measure(ExchangeLoad(to: target, connections: connections, size: size))
      case .datagram:
        try measure(DatagramLoad(to: target, connections: connections, size: size))
      }
    print(result.text, terminator: "")
  }

  private var target: LoadTarget {
    get throws {
      if let tcp { return try LoadTarget(tcp: tcp) }
      if let udp { return try LoadTarget(udp: udp) }
      return try LoadTarget(unix: unix ?? "")
    }
  }

  private func measure(_ load: some Load) throws -> LoadResult {
    defer { load.deallocate() }
    var generator = LoadGenerator(load)
    return try generator.run(
      warmUp: .milliseconds(warmUpMs), duration: .milliseconds(durationMs), server: server,
      countsCalls: calls)
  }
}
