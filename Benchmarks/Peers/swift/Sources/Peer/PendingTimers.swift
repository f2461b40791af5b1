/// The sleeps of those that sleep once, and all at the same time.
package enum PendingTimers {
  /// Each of them another one, spread evenly over 1 to 2 s.
  package static func durations(count: Int) -> some Sequence<Duration> {
    (0..<count).lazy.map { .seconds(1) + .nanoseconds(1_000_000_000 / count * $0) }
  }
}
