import Synchronization

/// What those that sleep again and again have in common, and how their wake-ups are measured.
package final class WakeUps: Sendable {
  private let count = Atomic(0)
  private let hasEnded = Atomic(false)

  package init() {}

  /// To be called by each sleeper after each sleep.
  ///
  /// - Returns: Whether it shall sleep again.
  package func goesOn() -> Bool {
    count.add(1, ordering: .relaxed)
    return !hasEnded.load(ordering: .relaxed)
  }

  /// Measures those that others have started, and sends them home.
  ///
  /// What follows the start is not yet the steady state: a quarter of `duration` passes first.
  ///
  /// - Returns: Nanoseconds of CPU time for each wake-up.
  package func measure(for duration: Duration) async throws -> Double {
    try await Task.sleep(for: duration / 4)
    let (firstCount, firstTime) = (count.load(ordering: .relaxed), ProcessorTime.now)
    try await Task.sleep(for: duration)
    let (lastCount, lastTime) = (count.load(ordering: .relaxed), ProcessorTime.now)
    hasEnded.store(true, ordering: .relaxed)
    return Double(lastTime - firstTime) / Double(lastCount - firstCount)
  }
}
