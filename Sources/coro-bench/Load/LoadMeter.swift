import CLinux
import Histogram

/// A load's clock, and what it counts.
struct LoadMeter {
  /// When the clock was last read, in nanoseconds.
  private(set) var now = coro_monotonic_ns()
  private(set) var latencies = LatencyHistogram.ofLatencies()
  var lost = 0

  mutating func readClock() { now = coro_monotonic_ns() }

  /// Counts a request that is answered now.
  mutating func record(sentAt: Int64) { latencies.record(UInt64(now - sentAt)) }

  /// Forgets what was counted.
  mutating func reset() {
    latencies.reset()
    lost = 0
  }
}
