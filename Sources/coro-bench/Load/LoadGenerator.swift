import Glibc
import Histogram

/// Puts a load on a server, and measures.
///
/// One thread above epoll, with nothing of the library in it. It must be lighter than any server,
/// so it makes no system call whose answer it can know: what was asked for and has come whole, or
/// a read that came short, has emptied the socket. The server's CPU time is read from outside, so
/// any program can be the server.
struct LoadGenerator<Kind: Load> {
  private var load: Kind
  private var meter = LoadMeter()

  init(_ load: Kind) {
    self.load = load
  }

  /// Loads for `warmUp`, and until every connection has been answered, then measures for
  /// `duration`, and until there is an answer.
  ///
  /// - Parameters:
  ///   - server: The process whose CPU time is measured, if it is on this machine.
  ///   - countsCalls: Whether its system calls are counted, too.
  mutating func run(
    warmUp: Duration, duration: Duration, server: pid_t?, countsCalls: Bool
  ) throws -> LoadResult {
    meter.readClock()
    let begin = meter.now
    try load.begin(&meter)
    try keepBusy(until: begin + warmUp.nanoseconds) { $0.isWarm }

    meter.reset()
    let serverStart = try server.map(ProcessorTime.of(process:)) ?? 0
    let counter = countsCalls ? try server.map(SystemCallCounter.init(process:)) : nil
    let generatorStart = ProcessorTime.now
    let start = meter.now
    try keepBusy(until: start + duration.nanoseconds) { _ in true }

    var result = LoadResult()
    result.serverNanoseconds = (try server.map(ProcessorTime.of(process:)) ?? 0) - serverStart
    result.generatorNanoseconds = ProcessorTime.now - generatorStart
    result.nanoseconds = meter.now - start
    result.calls = try counter?.count() ?? 0
    result.requests = Int(meter.latencies.totalCount)
    result.lost = meter.lost
    result.latencies = meter.latencies
    return result
  }

  private mutating func keepBusy(until end: Int64, and isEnough: (Kind) -> Bool) throws {
    var lastEvent = meter.now
    let limit = end + 30_000_000_000
    while meter.now < end || meter.latencies.totalCount == 0 || !isEnough(load) {
      guard meter.now < limit else {
        throw BenchError("The server has left connections unanswered for 30 s.")
      }
      let count = try load.events.wait(milliseconds: Kind.patienceInMilliseconds)
      meter.readClock()
      if count > 0 { lastEvent = meter.now }
      guard meter.now - lastEvent < 5_000_000_000 else {
        throw BenchError("The server has not answered for 5 s.")
      }
      for index in 0..<count { try load.advance(load.events[index], &meter) }
      try load.makeGood(&meter)
    }
  }
}
