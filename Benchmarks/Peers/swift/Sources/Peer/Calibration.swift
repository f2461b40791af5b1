/// So many steps, and the CPU time that they took.
package struct Steps: Sendable {
  let count: Int
  let nanoseconds: Int64

  package init(count: Int, nanoseconds: Int64) {
    self.count = count
    self.nanoseconds = nanoseconds
  }

  var nanosecondsEach: Double { Double(nanoseconds) / Double(count) }
}

/// Nanoseconds of CPU time that one step costs, measured over about `duration`.
///
/// - Parameter steps: Does at least so many steps. It is called with growing numbers, of which the
///   last counts; so what is only slow the first time is not measured.
package func nanosecondsPerStep(
  duration: Duration, _ steps: (Int) async throws -> Steps
) async rethrows -> Double {
  var wanted = 100
  while true {
    let done = try await steps(wanted)
    if done.nanoseconds >= duration.nanoseconds / 8 {
      let count = Double(duration.nanoseconds) / done.nanosecondsEach
      return try await steps(max(1, Int(count))).nanosecondsEach
    }
    wanted = done.count * 4
  }
}

/// As above, where `body` does exactly so many steps and nothing else.
package func nanosecondsPerStep(
  duration: Duration, ofExactly body: (Int) async throws -> Void
) async rethrows -> Double {
  try await nanosecondsPerStep(duration: duration) { count in
    let start = ProcessorTime.now
    try await body(count)
    return Steps(count: count, nanoseconds: ProcessorTime.now - start)
  }
}
