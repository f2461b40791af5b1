/// How much later than asked sleeps of 1 ms end, on the wall.
package struct Overshoot: Sendable {
  package static let nanosecondsAsked: Int64 = 1_000_000

  private let start = WallTime.now
  private let duration: Int64
  private var samples: [Int64] = []

  package init(duration: Duration) {
    self.duration = duration.nanoseconds
  }

  /// Notes a sleep that began at this time and ends now.
  ///
  /// - Returns: Whether there shall be another one.
  package mutating func goesOn(since began: Int64) -> Bool {
    let now = WallTime.now
    // The first eighth is there for what is slow only once.
    if now - start > duration / 8 { samples.append(now - began - Self.nanosecondsAsked) }
    return now - start < duration || samples.isEmpty
  }

  /// In µs; there has to have been one sleep at least.
  package var figures: [Figure] {
    let sorted = samples.sorted()
    return [("p50", 50), ("p99", 99)].map { name, percent in
      Figure(name, Double(sorted[(sorted.count - 1) * percent / 100]) / 1000)
    }
  }
}
