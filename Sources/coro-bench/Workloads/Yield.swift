import Coroutines

extension Workload {
  /// What it costs to let another coroutine go first, by the length of the queue.
  ///
  /// Two coroutines hide what stacks do to the cache; ten thousand do not fit it.
  static let yield = Workload(
    name: "yield",
    summary: "Coroutine.sleep() with 2, 10, 200 and 10,000 coroutines (--count)",
    figures: [Figure(name: "", unit: "ns")],
    cases: { settings in
      let counts = settings.count.map { [$0] } ?? [2, 10, 200, 10_000]
      return counts.map {
        Case(label: "\($0) coroutines", parameters: Parameters(["coroutines": "\($0)"]))
      }
    },
    measure: { round in
      [try nanosecondsPerYield(round, coroutines: round.parameters.number("coroutines"))]
    })
}

/// What the coroutines of a measurement tell one another, in plain memory.
private struct Finish {
  /// When the first one was through.
  var time: Int64 = 0
}

/// Runs `coroutines` of them, each of which yields again and again.
func nanosecondsPerYield(_ round: Round, coroutines: Int) throws -> Double {
  try Coroutine.run(on: round.backend.choice) {
    try round.nanosecondsPerStep { wanted in
      try yield(coroutines: coroutines, times: max(2, wanted / coroutines))
    }
  }
}

private func yield(coroutines: Int, times: Int) throws -> (count: Int, nanoseconds: Int64) {
  let finish = UnsafeMutablePointer<Finish>.allocate(capacity: 1)
  finish.initialize(to: Finish())
  defer { finish.deallocate() }
  let all = (0..<coroutines).map { _ in
    Coroutine {
      // The start's own yield hands back to whoever starts us: it is not counted.
      try Coroutine.sleep()
      for _ in 0..<times { try Coroutine.sleep() }
      // All others are at their last yield too. Their ends are not measured.
      if finish.pointee.time == 0 { finish.pointee.time = ProcessorTime.now }
    }
  }
  for coroutine in all { coroutine.start() }
  let start = ProcessorTime.now
  for coroutine in all { try coroutine.join() }
  return (coroutines * times, finish.pointee.time - start)
}
