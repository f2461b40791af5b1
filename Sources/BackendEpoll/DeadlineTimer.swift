import CLinux
import CoroutineAPI
import Glibc

/// The one timerfd of a loop, set to the earliest deadline.
///
/// It is set again only when the deadline comes before the one that is set, or that one has fired:
/// a deadline that moved away costs one wake-up for nothing, at most, instead of a call each time.
final class DeadlineTimer {
  let descriptor: CInt
  private var armed: Instant?

  init() throws(CoroutineError) {
    descriptor = timerfd_create(
      CLOCK_MONOTONIC, CInt(TFD_CLOEXEC | TFD_NONBLOCK))
    guard descriptor >= 0 else {
      throw CoroutineError(
        .unavailable, errno: .init(rawValue: errno), call: "the epoll backend",
        operands: "(timerfd_create)", detail: "raise the limit of open descriptors (ulimit -n)")
    }
  }

  /// Sets the timer to `deadline`, unless it goes off before.
  ///
  /// - Returns: False if the kernel refused; the wait must end by itself then.
  func arm(_ deadline: Instant) -> Bool {
    if deadline == .distantFuture { return true }
    if let armed, armed <= deadline { return true }
    // A time of zero would switch the timer off.
    let nanoseconds = max(1, deadline.nanoseconds)
    var setting = itimerspec()
    setting.it_value.tv_sec = Int(nanoseconds / 1_000_000_000)
    setting.it_value.tv_nsec = Int(nanoseconds % 1_000_000_000)
    guard timerfd_settime(descriptor, CInt(TFD_TIMER_ABSTIME), &setting, nil) == 0 else {
      return false
    }
    armed = deadline
    return true
  }

  func hasFired() {
    armed = nil
  }

  func close() {
    _ = CLinux.close(descriptor)
  }
}
