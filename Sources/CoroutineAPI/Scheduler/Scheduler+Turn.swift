/// The kernel's turn: when it is asked for news, and what becomes of it.
extension Scheduler {
  /// Called when the budget is spent: gives a new one, and asks the kernel if it is time to.
  @inline(never)
  func pollAndAdapt() {
    guard core.pointee.backend != nil else {
      core.budget = Int(core.pointee.budgetMax)
      return
    }
    // No clock is read at each switch; how long a budget lasts is learnt from the last one.
    let now = now
    let elapsed = now.nanoseconds - core.pointee.lastPoll.nanoseconds
    core.pointee.lastPoll = now
    core.pointee.budgetsSinceLook &+= 1
    let sinceTurn = now.nanoseconds - core.pointee.turnTime.nanoseconds
    core.pointee.turnTime = now
    // Whoever lets the others go first does not hold the thread, even if there are none.
    if isChecked { tellWatchdog(of: core.running) }
    if !core.pointee.isBusySinceLastPoll {
      core.pointee.isBusySinceLastPoll = true
      // It blocked since; when, is known to within a tick of the kernel's, of 10 ms at most.
      core.pointee.lastLook = now
      if sinceTurn > 11_000_000 { cutBudget(now, SchedulerCore.budgetStart, took: sinceTurn) }
    } else if elapsed > 200_000 {
      cutBudget(now, core.pointee.budgetMax, took: elapsed)
    } else if elapsed < 50_000 {
      core.pointee.budgetMax = min(SchedulerCore.budgetLimit, core.pointee.budgetMax * 2)
    }
    if isLookDue(now) {
      core.pointee.lastLook = now
      core.pointee.budgetsSinceLook = 0
      turn(mayBlock: false)
    } else if !core.pointee.timers.isEmpty {
      expireTimers(at: now)
    }
    core.budget = Int(core.pointee.budgetMax)
  }

  /// The next budget is what takes 100 µs, after one of `budget` that took so many nanoseconds.
  private func cutBudget(_ now: Instant, _ budget: Int32, took elapsed: Int64) {
    let next = Int64(min(budget, core.pointee.budgetMax)) * 100_000 / elapsed
    if next == 0 { core.pointee.computingUntil = now + .milliseconds(20) }
    core.pointee.budgetMax = max(1, Int32(next))
  }

  /// Whether the kernel is to be asked for news: once everybody has run who could at the last time.
  ///
  /// Before, whoever is made ready would wait behind them anyway, and what is asked of the kernel
  /// together is cheaper. Not so where somebody computes, who has himself put behind those that are
  /// ready by then; and they may be many, so that it is asked after a millisecond at the latest.
  private func isLookDue(_ now: Instant) -> Bool {
    // Who has just started somebody is ahead of them all, and no part of the round.
    core.pointee.dispatcher.queue.head &+ 1 >= core.pointee.roundEnd
      || now < core.pointee.computingUntil
      // Where no clock runs.
      || core.pointee.budgetsSinceLook >= 16
      || now.nanoseconds - core.pointee.lastLook.nanoseconds >= 1_000_000
  }

  /// Hears from the kernel, makes ready whose operation finished or whose time has come.
  ///
  /// With `mayBlock` nothing can run (I8), and it returns when something can, or for no reason.
  func turn(mayBlock: Bool) {
    if core.pointee.isAbandoned { refuseToGoOnInChild() }
    if mayBlock {
      if isDeadlocked { return resolveDeadlock() }
      if core.pointee.stacks.hasLeftovers { core.pointee.stacks.trim(except: core.running) }
      if isChecked {
        reportModifications(of: core.running)
        tellWatchdog(of: nil)
      }
    }
    let limit: WaitLimit =
      if !mayBlock { .poll } else if let deadline = core.pointee.timers.earliest {
        .until(deadline)
      } else { .forever }
    // With nothing in flight there is no news but the time.
    if mayBlock || core.operationsInFlight > 0 {
      _ = hear { $0.wait(limit, completed: &$1) }
    }
    if mayBlock {
      beginToMeasure(withBackend { $0.roughNow })
      // The object of one whose code is over, and who waits here for the next one, is gone.
      if isChecked, !core.running.pointee.isEnded {
        tellWatchdog(of: core.running)
      }
    }
    if !core.pointee.timers.isEmpty { expireTimers(at: now) }
    core.pointee.roundEnd = core.pointee.dispatcher.queue.end
  }

  /// The kernel was asked just now, and the time in which nothing could run says nothing about how
  /// long switches take: measure anew, and begin soon.
  private func beginToMeasure(_ roughNow: Instant) {
    core.pointee.turnTime = roughNow
    core.pointee.isBusySinceLastPoll = false
    core.budget = Int(min(core.pointee.budgetMax, SchedulerCore.budgetStart))
  }

  /// Makes ready whose operation another coroutine has finished, so that the kernel need not be
  /// asked: not before the budget is spent, unless the turns are long.
  ///
  /// - Returns: Whether somebody can run.
  func hearOfFinished() -> Bool {
    guard core.operationsInFlight > 0, !core.pointee.isAbandoned,
      hear({ $0.reportFinished(&$1) })
    else { return false }
    let now = withBackend { $0.roughNow }
    if now.nanoseconds - core.pointee.turnTime.nanoseconds >= 1_000_000 {
      turn(mayBlock: false)
      beginToMeasure(now)
    }
    return true
  }

  /// Has the backend report.
  ///
  /// - Returns: Whether there was anything.
  @inline(__always)
  private func hear(_ report: (any Backend, inout Completions) -> Void) -> Bool {
    var completed = Completions(of: core.dispatcher)
    withBackend { report($0, &completed) }
    guard completed.areReported(to: core.dispatcher) else {
      fatalError(
        "The backend replaced the Completions that it was given: append to them instead.")
    }
    if !core.pointee.finishedDetached.isEmpty { finishDetached() }
    return !completed.isEmpty
  }

  private func expireTimers(at now: Instant) {
    while let record = core.pointee.timers.popExpired(at: now) { expire(record) }
  }

  private func expire(_ record: CoroutineRecord.Reference) {
    switch record.wait {
    case .sleep:
      makeReady(record, .timeout)
    case .join:
      leaveJoin(record)
      makeReady(record, .timeout)
    case .operation:
      // I3: it stays parked until the kernel has let go of its buffer.
      if record.wakeReason == .ready { record.wakeReason = .timeout }
      hurry(record)
    case .nothing, .end, .close:
      fatalError("A timer expired for a coroutine that waits for no time.")
    }
  }
}
