import Glibc

extension Contender {
  /// One round of a server in one process and a load in another, pinned apart.
  func serve(_ load: ServiceLoad, _ parameters: Parameters, _ duration: Duration) throws
    -> RoundResult
  {
    let threads = try parameters.has("threads") ? parameters.number("threads") : 1
    var arguments = ["serve", load.service] + lastArguments + load.listening(getpid())
    if threads > 1 { arguments += ["--threads", "\(threads)"] }
    let server = try Processors.pinned(to: threads > 1 ? .all : .measured) {
      try ChildProcess.start(executable, arguments)
    }
    let result: LoadResult
    do {
      result = try LoadDescription(
        mode: load.mode, connections: try parameters.number("connections"),
        size: try parameters.number("size"), duration: duration,
        processor: threads > 1 ? nil : Processors.load
      ).run(against: try Self.address(printedBy: server), server: server.process)
    } catch {
      server.kill()
      throw error
    }
    try server.end(limit: .seconds(5))
    let requests = Double(result.requests)
    return RoundResult(
      values: [
        Double(result.serverNanoseconds) / 1000 / requests,
        requests * 1e9 / Double(result.nanoseconds),
        Double(result.percentile(0.5)) / 1000, Double(result.percentile(0.99)) / 1000,
      ], load: result)
  }

  /// The server says where it listens when it does.
  private static func address(printedBy server: ChildProcess) throws -> String {
    let prefix = "listening on "
    let line = try server.firstLine(limit: .seconds(30))
    guard line.hasPrefix(prefix) else {
      throw BenchError("The server did not say where it listens, but '\(line)'.")
    }
    return String(line.dropFirst(prefix.count))
  }
}
