import CContext

extension Instant {
  /// The time now, by the clock of the calling thread's loop.
  public static var now: Instant { Scheduler.current?.now ?? .kernelNow }
}

extension Coroutine {
  /// Suspends for a number of seconds; the other coroutines run meanwhile.
  ///
  /// Zero lets every other coroutine that can run go first, and is the way to yield. Infinity, and
  /// whatever is beyond the clock's 292 years, sleeps until the coroutine is cancelled. Never ends
  /// early; equal deadlines wake in the order in which they were set.
  ///
  /// - Parameter seconds: Zero or more, infinity included.
  /// - Throws: `invalidArgument` if negative or not a number, `cancelled`, `misuse` where there is
  ///   no loop, `unavailable` if there is no backend.
  @available(*, noasync, message: "use Task.sleep in async code")
  @inlinable
  public static func sleep(_ seconds: Double = 0) throws(CoroutineError) {
    // Which of the two it is, the compiler sees as a rule.
    guard seconds == 0 else { return try sleep(seconds: seconds) }
    let outcome = coro_yield()
    if outcome != CORO_YIELDED { try yieldToOthers(outcome) }
  }

  @usableFromInline
  static func sleep(seconds: Double) throws(CoroutineError) {
    guard seconds >= 0 else {
      throw CoroutineError(
        .invalidArgument, call: "sleep", operands: "for \(seconds) s",
        detail: "the time must not be negative")
    }
    let nanoseconds = (seconds * 1e9).rounded(.up)
    try sleep(nanoseconds: nanoseconds < 0x1p63 ? Int64(nanoseconds) : .max)
  }

  /// Suspends for `duration`.
  ///
  /// - Parameter duration: Zero or more; see `sleep(_:)`.
  /// - Throws: As `sleep(_:)` does.
  @available(*, noasync, message: "use Task.sleep in async code")
  public static func sleep(for duration: Duration) throws(CoroutineError) {
    if duration.isNegative { throw refusal(of: duration) }
    try sleep(nanoseconds: duration.saturatedNanoseconds)
  }

  @inline(never)
  private static func refusal(of duration: Duration) -> CoroutineError {
    CoroutineError(
      .invalidArgument, call: "sleep", operands: "for \(duration)",
      detail: "the time must not be negative; use sleep(until:) for what may lie in the past")
  }

  /// Suspends until `deadline`; one that is past yields.
  ///
  /// - Throws: `cancelled`, `misuse` where there is no loop, `unavailable` if there is no backend.
  @available(*, noasync, message: "use Task.sleep in async code")
  public static func sleep(until deadline: Instant) throws(CoroutineError) {
    let scheduler = try Scheduler.forKernelCall("sleep")
    if deadline <= scheduler.now { return try yield(scheduler) }
    try wait(scheduler, until: deadline)
  }

  @inline(__always)
  private static func sleep(nanoseconds: Int64) throws(CoroutineError) {
    if nanoseconds == 0 { return try yield(Scheduler.forCall("sleep")) }
    let scheduler = try Scheduler.forKernelCall("sleep")
    try wait(scheduler, until: scheduler.now.advanced(byNanoseconds: nanoseconds))
  }

  @inline(__always)
  private static func wait(
    _ scheduler: Scheduler, until deadline: Instant
  ) throws(CoroutineError) {
    let reason = scheduler.sleep(until: deadline)
    if reason != .timeout { try refuse(reason, scheduler) }
  }

  @inline(never)
  private static func refuse(
    _ reason: WakeReason, _ scheduler: Scheduler
  ) throws(CoroutineError) {
    if let error = CoroutineError(reason, call: "sleep", scheduler: scheduler) { throw error }
  }

  fileprivate static func yield(_ scheduler: Scheduler) throws(CoroutineError) {
    scheduler.yield()
    if scheduler.core.running.cancellation != .none { throw cancellationOfYield(scheduler) }
  }

  fileprivate static func cancellationOfYield(_ scheduler: Scheduler) -> CoroutineError {
    _ = scheduler.throwCancellation()
    return CoroutineError(.cancelled, call: "sleep")
  }
}

/// What is left to do after `coro_yield`, which has not done what is the rule.
///
/// No method, since the compiler would put a call before what has a type for `self` and ignores it.
@usableFromInline @inline(never)
func yieldToOthers(_ outcome: coro_yield_outcome) throws(CoroutineError) {
  let scheduler = try Scheduler.forCall("sleep")
  if outcome == CORO_YIELDED_CANCELLED { throw Coroutine.cancellationOfYield(scheduler) }
  try Coroutine.yield(scheduler)
}
