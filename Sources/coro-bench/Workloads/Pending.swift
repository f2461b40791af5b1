import Coroutines

extension Workload {
  /// What a timer costs among so many that all of them are cold, and no two alike.
  static let pending = Workload(
    name: "pending",
    summary: "1,000,000 coroutines (--count) that sleep once, for 1 to 2 s",
    figures: [Figure(name: "CPU", unit: "ns/timer")],
    cases: { settings in
      let count = settings.count ?? (settings.isQuick ? 100_000 : 1_000_000)
      return [Case(label: "\(count) timers", parameters: Parameters(["timers": "\(count)"]))]
    },
    measure: { round in
      let count = try round.parameters.number("timers")
      return try Coroutine.run(on: round.backend.choice) { [try sleepOnce(count)] }
    })
}

/// The CPU time of each.
private func sleepOnce(_ count: Int) throws -> Double {
  let start = ProcessorTime.now
  let all = (0..<count).map { number in
    let share = Int64(number) * 1_000_000_000 / Int64(count)
    let coroutine = Coroutine { try Coroutine.sleep(for: .seconds(1) + .nanoseconds(share)) }
    coroutine.start()
    return coroutine
  }
  for coroutine in all { try coroutine.join() }
  return Double(ProcessorTime.now - start) / Double(count)
}
