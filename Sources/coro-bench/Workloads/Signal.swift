import CLinux
import Coroutines
import Glibc

extension Workload {
  /// How long a signal is under way to its handler, which is a coroutine.
  static let signal = Workload(
    name: "signal",
    summary: "from kill(2) until the handler of Coroutine.signal runs, one at a time",
    figures: [Figure(name: "p50", unit: "µs"), Figure(name: "p99", unit: "µs")],
    cases: { _ in [Case(label: "one at a time", parameters: Parameters())] },
    measure: { round in
      try Coroutine.run(on: round.backend.choice) { try latenciesOfSignals(round) }
    })
}

/// What the handler tells the sender, in plain memory.
private struct Arrival {
  var time: Int64 = 0
}

private func latenciesOfSignals(_ round: Round) throws -> [Double] {
  let arrival = UnsafeMutablePointer<Arrival>.allocate(capacity: 1)
  arrival.initialize(to: Arrival())
  defer { arrival.deallocate() }
  let sender = Coroutine.current
  let before = try Coroutine.signal(SIGUSR1) { _ in
    arrival.pointee.time = coro_monotonic_ns()
    sender.cancel()
  }
  let process = getpid()
  let result = try round.latencies {
    let start = coro_monotonic_ns()
    guard kill(process, SIGUSR1) == 0 else { throw BenchError("The signal can't be sent.") }
    try parkUntilCancelled()
    return arrival.pointee.time - start
  }
  try Coroutine.signal(SIGUSR1, before)
  return result
}

/// Takes no system call, so that the sender's parking is no part of the signal's way.
private func parkUntilCancelled() throws {
  do throws(CoroutineError) {
    try Coroutine.sleep(.infinity)
  } catch {
    switch error.code {
    case .cancelled: return
    default: throw error
    }
  }
}
