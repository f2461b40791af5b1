import Coroutines

extension Workload {
  /// The whole life of a coroutine that does nothing: object, closure, stack from the cache, end.
  static let spawn = Workload(
    name: "spawn",
    summary: "Coroutine { }, started and joined, one at a time",
    figures: [Figure(name: "", unit: "ns")],
    cases: { _ in [Case(label: "one at a time", parameters: Parameters())] },
    measure: { round in
      try Coroutine.run(on: round.backend.choice) {
        [
          try round.nanosecondsPerStep(ofExactly: { count in
            for _ in 0..<count {
              let coroutine = Coroutine {}
              coroutine.start()
              try coroutine.join()
            }
          })
        ]
      }
    })
}
