import Glibc

extension Contender {
  /// One round of a server in one process and a load in another, pinned apart.
  func serve(_ load: ServiceLoad, _ parameters: Parameters, _ duration: Duration) throws
    -> RoundResult
  {
    let result = try serve(load, parameters, duration, countsCalls: false)
    let requests = Double(result.requests)
    return RoundResult(
      values: [
        Double(result.serverNanoseconds) / 1000 / requests,
        requests * 1e9 / Double(result.nanoseconds),
        Double(result.percentile(0.5)) / 1000, Double(result.percentile(0.99)) / 1000,
      ], load: result)
  }

  /// A round in which the server's system calls are counted.
  ///
  /// - Returns: How many it makes for an answer.
  func callsOfServing(_ load: ServiceLoad, _ parameters: Parameters, _ duration: Duration) throws
    -> Double
  {
    let result = try serve(load, parameters, duration, countsCalls: true)
    return Double(result.calls) / Double(result.requests)
  }

  private func serve(
    _ load: ServiceLoad, _ parameters: Parameters, _ duration: Duration, countsCalls: Bool
  ) throws -> LoadResult {
    let threads = try parameters.has("threads") ? parameters.number("threads") : 1
    let path = Self.socketPath
    // Whoever was killed has left it, perhaps a run of the same number.
    unlink(path)
    defer { unlink(path) }
    var arguments = ["serve", load.service] + lastArguments + load.listening(path: path)
    if threads > 1 { arguments += ["--threads", "\(threads)"] }
    let server = try Processors.pinned(to: threads > 1 ? .all : .measured) {
      try ChildProcess.start(executable, arguments)
    }
    let address = try Self.address(printedBy: server)
    let result = try server.killing {
      try LoadDescription(
        mode: load.mode, connections: try parameters.number("connections"),
        size: try parameters.number("size"), duration: duration,
        processor: threads > 1 ? nil : Processors.load
      ).run(against: address, server: server.process, countsCalls: countsCalls)
    }
    try server.end(limit: .seconds(5))
    return result
  }

  /// Where a Unix socket may be; the kernel takes 107 bytes.
  private static var socketPath: String {
    let wanted = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    let folder = (1...70).contains(wanted.utf8.count) ? wanted : "/tmp"
    return "\(folder)/coro-bench-\(getpid()).socket"
  }

  /// The server says where it listens when it does.
  private static func address(printedBy server: ChildProcess) throws -> String {
    let prefix = "listening on "
    let line = try server.firstLine(limit: .seconds(30))
    guard line.hasPrefix(prefix) else {
      server.kill()
      throw BenchError("The server did not say where it listens, but '\(line)'.")
    }
    return String(line.dropFirst(prefix.count))
  }
}
