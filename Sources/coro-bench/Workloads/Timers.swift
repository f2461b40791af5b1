import Coroutines

extension Workload {
  /// What a wake-up by the clock costs where there are many.
  static let timers = Workload(
    name: "timers",
    summary: "10,000 coroutines (--count) that sleep 1 ms in a loop",
    figures: [Figure(name: "CPU", unit: "ns/wake-up")],
    cases: { settings in
      let count = settings.count ?? 10_000
      return [Case(label: "\(count) sleepers", parameters: Parameters(["sleepers": "\(count)"]))]
    },
    measure: { round in
      let sleepers = try round.parameters.number("sleepers")
      return try Coroutine.run(on: round.backend.choice) {
        if round.exactSteps != nil {
          return [try round.nanosecondsPerStep(ofExactly: { try sleep($0, sleepers: sleepers) })]
        }
        return [try nanosecondsPerWakeUp(sleepers: sleepers, duration: round.duration)]
      }
    })
}

private func sleep(_ count: Int, sleepers: Int) throws {
  let all = (0..<sleepers).map { _ in
    Coroutine { for _ in 0..<count / sleepers { try Coroutine.sleep(for: .milliseconds(1)) } }
  }
  for coroutine in all { coroutine.start() }
  for coroutine in all { try coroutine.join() }
}

private struct Sleepers {
  var wakeUps = 0
  var shallStop = false
}

private func nanosecondsPerWakeUp(sleepers: Int, duration: Duration) throws -> Double {
  let state = UnsafeMutablePointer<Sleepers>.allocate(capacity: 1)
  state.initialize(to: Sleepers())
  defer { state.deallocate() }
  let all = (0..<sleepers).map { _ in
    Coroutine {
      while !state.pointee.shallStop {
        try Coroutine.sleep(for: .milliseconds(1))
        state.pointee.wakeUps += 1
      }
    }
  }
  for coroutine in all { coroutine.start() }

  // What follows the start is not yet the steady state.
  try Coroutine.sleep(for: duration / 4)
  let (firstCount, firstTime) = (state.pointee.wakeUps, ProcessorTime.now)
  try Coroutine.sleep(for: duration)
  let (lastCount, lastTime) = (state.pointee.wakeUps, ProcessorTime.now)

  state.pointee.shallStop = true
  for coroutine in all { try coroutine.join() }
  guard lastCount > firstCount else { throw BenchError("No sleeper woke up.") }
  return Double(lastTime - firstTime) / Double(lastCount - firstCount)
}
