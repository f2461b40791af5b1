import CContext
import Glibc

/// The birth and the end of coroutines.
extension Scheduler {
  // MARK: Birth

  /// Runs `object` at once, on a stack of its own, until it first blocks or ends.
  ///
  /// The caller goes on then, ahead of the run queue.
  ///
  /// - Returns: 0, or the errno value that says why no stack was to be had.
  func start(_ object: Coroutine, stackSize: Int?, isDaemon: Bool, isHidden: Bool = false) -> CInt {
    if isChecked { coro_context_destroy_checked(&core.pointee.endedContext) }
    guard core.pointee.dispatcher.queue.reserve(core.pointee.listedCount + 1) else { return ENOMEM }
    guard let (record, stack) = core.pointee.stacks.acquire(usableSize: stackSize) else {
      return errno
    }
    record.initialize(
      to: CoroutineRecord(core: core, object: .passRetained(object), stack: stack))
    record.pointee.isDaemon = isDaemon
    record.pointee.isHidden = isHidden
    // A hidden one serves the others to their end.
    let mustEnd = core.pointee.isClosing && !isHidden
    record.cancellation = mustEnd ? .always : object.cancellationAtStart
    if let low = stack.low {
      coro_context_make(
        &record.pointee.context, low + Stack.guardSize, UnsafeMutableRawPointer(record),
        { coroutineEntry($0) }, UnsafeMutableRawPointer(record))
      if isChecked {
        coro_leak_stack_begins(&record.pointee.context, low + stack.size)
      }
    }
    inheritTaskLocals(record)
    object.record = record
    object.starter = core.running.pointee.object._withUnsafeGuaranteedRef { $0.number }
    enlist(record)
    core.pointee.dispatcher.queue.prepend(core.running)
    spendBudget()
    switchTo(record)
    return 0
  }

  private func inheritTaskLocals(_ record: CoroutineRecord.Reference) {
    let location = core.pointee.dispatcher.words.location
    guard location.1?.pointee != nil || location.3?.pointee != nil else { return }
    let values = TaskLocalValues.current(&core.pointee.dispatcher.words)
    record.pointee.taskLocalCount = values.push(
      into: &core.pointee.dispatcher.words, word: &record.pointee.taskLocals)
  }

  @inline(__always)
  func enlist(_ record: CoroutineRecord.Reference) {
    record.pointee.previousAlive = nil
    record.pointee.nextAlive = core.pointee.firstAlive
    core.pointee.firstAlive?.pointee.previousAlive = record
    core.pointee.firstAlive = record
    core.pointee.listedCount += 1
    guard !record.pointee.isHidden else { return }
    core.pointee.aliveCount += 1
    if !record.pointee.isDaemon && record != core.pointee.main { core.pointee.nonDaemonCount += 1 }
  }

  @inline(__always)
  private func delist(_ record: CoroutineRecord.Reference) {
    let next = record.pointee.nextAlive
    let previous = record.pointee.previousAlive
    if let previous {
      previous.pointee.nextAlive = next
    } else {
      core.pointee.firstAlive = next
    }
    next?.pointee.previousAlive = previous
    core.pointee.listedCount -= 1
    guard !record.pointee.isHidden else { return }
    core.pointee.aliveCount -= 1
    core.pointee.endedCount -= 1
    if !record.pointee.isDaemon { core.pointee.nonDaemonCount -= 1 }
  }

  // MARK: The end of a coroutine

  /// The coroutine's code is over: tells who waits for it.
  ///
  /// It still stands on its stack.
  @inline(__always)
  fileprivate func end(_ record: CoroutineRecord.Reference) {
    markEnded(record)
    let object = record.pointee.object
    object._withUnsafeGuaranteedRef { $0.record = nil }
    // Before the object goes: the end of a value may ask for the current coroutine.
    for _ in 0..<record.pointee.taskLocalCount { swift_task_localValuePop() }
    // A deinit may block: the record stays in the list of the living until it has run.
    object.release()
    delist(record)
    let main = core.pointee.main
    if main.wait == .end, isOver { makeReady(main, .ready) }
  }

  @inline(__always)
  func markEnded(_ record: CoroutineRecord.Reference) {
    record.pointee.isEnded = true
    if !record.pointee.isHidden { core.pointee.endedCount += 1 }
    record.pointee.object._withUnsafeGuaranteedRef { $0.phase = .ended }
    while let joiner = record.pointee.joiners.first {
      leaveJoin(joiner)
      core.pointee.timers.remove(joiner)
      makeReady(joiner, .ready)
    }
  }

  /// Leaves the stack of a coroutine that ended, for good.
  ///
  /// The pool has the stack back already; nobody takes it before the switch.
  fileprivate func leave(_ record: CoroutineRecord.Reference) -> Never {
    if isChecked { coro_leak_stack_ends(&record.pointee.context) }
    core.pointee.stacks.release(record)
    let next = core.pointee.dispatcher.queue.popFirst() ?? waitForNext()
    if isChecked {
      core.running = next
      // The record may be reused while the context's fiber still has to be freed.
      coro_context_destroy_checked(&core.pointee.endedContext)
      core.pointee.endedContext = record.pointee.context
      tellWatchdog(of: next)
      coro_context_switch_checked(
        &core.pointee.endedContext, &next.pointee.context, &core.pointee.dispatcher.words, true)
    } else {
      switchTo(next)
    }
    fatalError("A coroutine that ended was resumed.")
  }

  // MARK: Joining

  /// Suspends until `target`, which lives, ends.
  func join(_ target: CoroutineRecord.Reference, timeout: Duration?) -> WakeReason {
    let me = core.running
    if me.cancellation != .none { return throwCancellation() }
    target.pointee.joiners.append(me)
    me.pointee.joinTarget = target
    me.wait = .join
    if let timeout { core.pointee.timers.insert(me, at: now + timeout) }
    let reason = park()
    return reason == .cancelled ? throwCancellation() : reason
  }

  /// Takes `record` out of the list of its target's joiners.
  func leaveJoin(_ record: CoroutineRecord.Reference) {
    record.pointee.joinTarget?.pointee.joiners.remove(record)
    record.pointee.joinTarget = nil
  }
}

/// What the first frame of every coroutine calls.
private func coroutineEntry(_ argument: UnsafeMutableRawPointer?) {
  guard let argument else { fatalError("A coroutine was entered without its record.") }
  let record = argument.assumingMemoryBound(to: CoroutineRecord.self)
  let scheduler = Scheduler(core: record.core)
  if scheduler.isChecked { coro_context_entered_checked(&record.pointee.context) }
  // Who goes on takes back what he has put away; who begins takes what he was given.
  if let list = record.pointee.taskLocals {
    scheduler.core.pointee.dispatcher.words.location.3?.pointee = list
  }
  runToEnd(record, scheduler)
  scheduler.leave(record)
}

/// A function of its own, so that every reference that the code held is released before the stack
/// is left.
@inline(never)
private func runToEnd(_ record: CoroutineRecord.Reference, _ scheduler: Scheduler) {
  record.pointee.object._withUnsafeGuaranteedRef { $0.runReportingErrors() }
  scheduler.end(record)
}
