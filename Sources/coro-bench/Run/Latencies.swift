import CLinux

/// Durations on the wall, each of them kept: what a few thousand of them say exactly.
struct Latencies {
  private var nanoseconds: [Int64] = []

  mutating func record(_ value: Int64) {
    nanoseconds.append(value)
  }

  /// The values that these fractions of all values do not exceed, in microseconds: 0.5 for the
  /// median.
  ///
  /// - Returns: A number for each fraction; NaN if nothing was recorded.
  func percentiles(_ fractions: [Double]) -> [Double] {
    let sorted = nanoseconds.sorted()
    return fractions.map { fraction in
      let rank = Int((Double(sorted.count) * fraction).rounded(.up))
      return sorted.isEmpty ? .nan : Double(sorted[max(rank, 1) - 1]) / 1000
    }
  }
}

extension Round {
  /// The median and the 99th percentile, in microseconds, of what `once` tells in nanoseconds.
  ///
  /// - Parameter once: Called again and again for about `duration`, and for an eighth of it before
  ///   that, so that what is only slow the first time is not measured.
  func latencies(_ once: () throws -> Int64) rethrows -> [Double] {
    let warmUpEnd = coro_monotonic_ns() + duration.nanoseconds / 8
    while coro_monotonic_ns() < warmUpEnd { _ = try once() }
    var latencies = Latencies()
    let end = coro_monotonic_ns() + duration.nanoseconds
    repeat { latencies.record(try once()) } while coro_monotonic_ns() < end
    return latencies.percentiles([0.5, 0.99])
  }
}
