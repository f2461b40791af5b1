import Glibc

/// A load that a process of its own shall put on a server in any other one.
struct LoadDescription {
  let mode: LoadMode
  let connections: Int
  let size: Int
  /// How many messages each connection has on its way, in the mode `stream`.
  let depth: Int
  let duration: Duration
  /// Where it shall run, if not anywhere.
  let processor: CInt?

  init(
    mode: LoadMode = .echo, connections: Int, size: Int, depth: Int = 4, duration: Duration,
    processor: CInt? = nil
  ) {
    self.mode = mode
    self.connections = connections
    self.size = size
    self.depth = depth
    self.duration = duration
    self.processor = processor
  }

  /// Runs the load generator, and blocks the thread until its end.
  ///
  /// - Parameters:
  ///   - address: As the server has printed it: "host:port", "[host]:port", a path, or @ and an
  ///     abstract name.
  ///   - server: Its process, whose CPU time is measured.
  ///   - countsCalls: Whether its system calls are counted, too.
  func run(
    against address: String, server: pid_t, countsCalls: Bool = false
  ) throws -> LoadResult {
    let child = try ChildProcess.startSelf(
      arguments(against: address, server: server) + (countsCalls ? ["--calls"] : []))
    let output = try child.outputOfSuccess(limit: duration * 10 + .seconds(60))
    return try LoadResult(parsing: output)
  }

  /// What `coro-bench` has to be started with.
  func arguments(against address: String, server: pid_t? = nil) -> [String] {
    let milliseconds = duration.nanoseconds / 1_000_000
    var arguments = [
      "load", "--mode", mode.rawValue, option(for: address), address,
      "--connections", "\(connections)", "--size", "\(size)", "--depth", "\(depth)",
      "--duration-ms", "\(milliseconds)", "--warm-up-ms", "\(max(20, milliseconds / 4))",
    ]
    if let server { arguments += ["--server", "\(server)"] }
    if let processor { arguments += ["--processor", "\(processor)"] }
    return arguments
  }

  private func option(for address: String) -> String {
    if mode == .datagram { return "--udp" }
    let isName = address.hasPrefix("@") || address.contains("/") || !address.contains(":")
    return isName ? "--unix" : "--tcp"
  }
}
