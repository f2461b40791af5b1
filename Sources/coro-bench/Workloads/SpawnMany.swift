import Coroutines

extension Workload {
  /// Many coroutines that are there at once, on stacks that are new or used ones.
  static let spawnMany = Workload(
    name: "spawn-many",
    summary: "100,000 coroutines (--count) that wait for one event, from start to join",
    figures: [Figure(name: "", unit: "ns each")],
    cases: { settings in
      let count = settings.count ?? 100_000
      return ["fresh", "cached"].map { stacks in
        Case(
          label: "\(count), \(stacks) stacks",
          parameters: Parameters(["coroutines": "\(count)", "stacks": stacks]))
      }
    },
    measure: { round in
      let count = try round.parameters.number("coroutines")
      let stacks = try round.parameters.text("stacks")
      guard ["fresh", "cached"].contains(stacks) else {
        throw BenchError("There are no '\(stacks)' stacks, but fresh and cached ones.")
      }
      return try Coroutine.run(on: round.backend.choice) {
        if stacks == "cached" { try startAndJoin(count) }
        let start = ProcessorTime.now
        try startAndJoin(count)
        return [Double(ProcessorTime.now - start) / Double(count)]
      }
    })
}

private func startAndJoin(_ count: Int) throws {
  // Its end is the event. It waits without a timer and without a descriptor.
  let gate = Coroutine(name: "gate") { try Coroutine.sleep(.infinity) }
  gate.start()
  let all = (0..<count).map { _ in
    let coroutine = Coroutine { try gate.join() }
    coroutine.start()
    return coroutine
  }
  gate.cancel()
  for coroutine in all { try coroutine.join() }
}
