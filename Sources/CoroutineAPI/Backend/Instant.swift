import CLinux

/// A point in time on CLOCK_MONOTONIC, the clock that the loops' timers run on.
///
/// It counts nanoseconds from an arbitrary start, does not run while the machine is suspended, and
/// never goes back. `ContinuousClock` is another clock (CLOCK_BOOTTIME); don't mix the two.
public struct Instant: InstantProtocol, Hashable, Sendable {
  /// Nanoseconds since the clock's start; `Int64.max` is a time that never comes.
  public var nanoseconds: Int64

  /// A time that never comes.
  public static let distantFuture = Instant(nanoseconds: .max)

  /// The instant that lies `nanoseconds` after the clock's start.
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// The kernel's clock now, read anew.
  public static var kernelNow: Instant {
    Instant(nanoseconds: coro_monotonic_ns())
  }

  /// As `kernelNow`, at a tenth of its cost: the time of the kernel's last tick (1–10 ms ago;
  /// CLOCK_MONOTONIC_COARSE, clock_gettime(2)).
  public static var kernelRoughNow: Instant {
    Instant(nanoseconds: coro_monotonic_coarse_ns())
  }

  /// The instant `duration` later, or `distantFuture` where that is out of range.
  public func advanced(by duration: Duration) -> Instant {
    advanced(byNanoseconds: duration.saturatedNanoseconds)
  }

  @inline(__always)
  func advanced(byNanoseconds nanoseconds: Int64) -> Instant {
    if self == .distantFuture { return self }
    let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
    guard overflow else { return Instant(nanoseconds: sum) }
    return Instant(nanoseconds: nanoseconds < 0 ? .min : .max)
  }

  /// The time from this instant to `other`; negative if `other` came before.
  public func duration(to other: Instant) -> Duration {
    .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)
  }

  /// Whether `left` comes before `right`.
  public static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The instant `duration` after `instant`.
  public static func + (instant: Instant, duration: Duration) -> Instant {
    instant.advanced(by: duration)
  }

  /// The instant `duration` before `instant`.
  public static func - (instant: Instant, duration: Duration) -> Instant {
    instant.advanced(by: .zero - duration)
  }

  /// The time between two instants.
  public static func - (left: Instant, right: Instant) -> Duration {
    right.duration(to: left)
  }
}

extension Duration {
  // By their attoseconds, because the comparison of two durations is a call.
  var isPositive: Bool { attoseconds > 0 }
  var isNegative: Bool { attoseconds < 0 }

  /// Whole nanoseconds, rounded up so that no wait ends early, within Int64's range.
  @inline(__always)
  var saturatedNanoseconds: Int64 {
    // Up to 18 s, a division by a constant; the general way takes ten times as long.
    let attoseconds = attoseconds
    guard attoseconds >> 64 == 0 else { return saturatedNanosecondsOfLongOne }
    let (whole, rest) = UInt64(truncatingIfNeeded: attoseconds)
      .quotientAndRemainder(dividingBy: 1_000_000_000)
    return Int64(truncatingIfNeeded: whole) + (rest > 0 ? 1 : 0)
  }

  @inline(never)
  private var saturatedNanosecondsOfLongOne: Int64 {
    // Beyond Int64's seconds `components` would trap.
    if self >= .nanoseconds(Int64.max) { return .max }
    if self <= .nanoseconds(Int64.min) { return .min }
    let (seconds, attoseconds) = components
    let (whole, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return seconds * 1_000_000_000 + whole + (rest > 0 ? 1 : 0)
  }
}
