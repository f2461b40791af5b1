import CContext

/// Suspending, and what happens meanwhile. These, and `coro_yield`, are the only functions that
/// switch away from a coroutine that goes on later.
extension Scheduler {
  /// Suspends the running coroutine until somebody makes it ready, and says why it was.
  ///
  /// The contract of waiting, which everything that blocks rests on:
  /// - Before, the caller has written down what it waits for (`record.wait` and its operand) where
  ///   the one who ends the wait will find it: an operation that was started, a timer, a list.
  /// - `makeReady` is called for it exactly once, on this thread, by the code that took it out of
  ///   that place: the delivery of an operation, the expiry of a timer, the end of a coroutine,
  ///   a cancellation or a deadlock. A wait with a timer beside it has the timer removed.
  /// - While an operation is in flight only its delivery ends the wait (I3); a timer or a
  ///   cancellation asks the backend to hurry, and the delivery follows.
  /// - No access to shared state may be open (I5): what was read before must be read again.
  func park() -> WakeReason {
    parkInline()
  }

  /// As `park`, for the one caller that is called most.
  @inline(__always)
  func parkInline() -> WakeReason {
    let me = core.running
    me.since = core.pointee.turnTime
    let next = core.pointee.dispatcher.queue.popFirst() ?? waitForNext()
    if next == me { return me.wakeReason }
    if core.isBudgetSpent { pollAndAdapt() }
    return switchTo(next).wakeReason
  }

  /// Takes turns until somebody can run.
  @inline(never)
  func waitForNext() -> CoroutineRecord.Reference {
    while true {
      if !hearOfFinished() { turn(mayBlock: true) }
      if let next = core.pointee.dispatcher.queue.popFirst() { return next }
    }
  }

  /// Lets every other coroutine that can run go first.
  ///
  /// `coro_yield` does it where nothing else is to be done.
  func yield() {
    if core.pointee.dispatcher.queue.isEmpty {
      spendBudget()
    } else if core.budget <= 1 {
      pollAndAdapt()
      // The switch that follows was paid for by the budget that is spent.
      core.budget += 1
    }
    guard let next = core.pointee.dispatcher.queue.popFirst() else { return }
    core.pointee.dispatcher.queue.append(core.running)
    switchTo(next)
  }

  /// Makes a waiting coroutine ready; it goes to the end of the run queue.
  func makeReady(_ record: CoroutineRecord.Reference, _ reason: WakeReason) {
    assert(record.wait != .nothing, "Who waits for nothing is in the run queue already (I2).")
    record.wakeReason = reason
    record.wait = .nothing
    core.pointee.dispatcher.queue.append(record)
  }

  /// - Returns: The coroutine that runs when somebody has switched back: the one that called.
  @inline(__always) @discardableResult
  func switchTo(_ next: CoroutineRecord.Reference) -> CoroutineRecord.Reference {
    let me = core.running
    core.running = next
    if coro_words_matter(&core.pointee.dispatcher.words) {
      switchWithWords(from: me, to: next)
      return me
    }
    // Where it is in a register; whoever jumps names both.
    return .init(context: coro_context_jump(me.context, next.context).here.unsafelyUnwrapped)
  }

  @inline(never)
  private func switchWithWords(
    from me: CoroutineRecord.Reference, to next: CoroutineRecord.Reference
  ) {
    if isChecked {
      reportModifications(of: me)
      tellWatchdog(of: next)
      coro_context_switch_checked(
        me.context, next.context, &core.pointee.dispatcher.words, false)
    } else {
      coro_context_switch_words(me.context, next.context, &core.pointee.dispatcher.words)
    }
  }

  /// Counts what takes nobody out of the run queue, such as an inline completion; and a start,
  /// which puts somebody ahead of all others.
  ///
  /// Now and then the kernel is asked for news, so that neither busy yielding starves I/O nor busy
  /// I/O everyone else.
  @inline(__always)
  func spendBudget() {
    core.pointee.dispatcher.poll_at &-= 1
    if core.isBudgetSpent { pollAndAdapt() }
  }

  /// As `spendBudget`, for an operation that finished without waiting: the others get their turn.
  @inline(__always)
  func spendBudgetInline() {
    core.pointee.dispatcher.poll_at &-= 1
    if core.isBudgetSpent { yieldToAll() }
  }

  @inline(never)
  private func yieldToAll() {
    yield()
  }

  /// The running coroutine's wait ends with `cancelled`, which is thrown once, or, at the end of
  /// the loop, each time.
  ///
  /// Code that swallows the error then and waits again would keep its loop from ending; that is
  /// named rather than left to hang.
  @inline(never)
  func throwCancellation() -> WakeReason {
    let record = core.running
    guard record.cancellation == .always else {
      record.cancellation = .none
      return .cancelled
    }
    record.pointee.refusedWaits += 1
    if record.pointee.refusedWaits == 1_000_000 {
      let name = record.pointee.object._withUnsafeGuaranteedRef { $0.name }
      fatalError(
        "\(name) was cancelled at the end of its loop and has ignored the error a million times. "
          + "Let CoroutineError with code .cancelled end the coroutine.")
    }
    return .cancelled
  }

  // MARK: Waiting for time

  /// Suspends until `deadline`.
  func sleep(until deadline: Instant) -> WakeReason {
    let me = core.running
    if me.cancellation != .none { return throwCancellation() }
    core.pointee.timers.insert(me, at: deadline)
    me.wait = .sleep
    let reason = park()
    return reason == .cancelled ? throwCancellation() : reason
  }
}
