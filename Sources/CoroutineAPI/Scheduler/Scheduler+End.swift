import Glibc

/// The end of a loop: of the program's, of `run(on:)`'s body, and by deadlock.
extension Scheduler {
  // MARK: Deadlock

  /// Nothing can run, and nothing can ever happen that would change that.
  @inline(__always)
  var isDeadlocked: Bool {
    core.operationsInFlight <= 1 && core.pointee.timers.isEmpty && nothingIsInFlight
  }

  private var nothingIsInFlight: Bool {
    // The library's own coroutine for signals always has one operation in flight (it never runs
    // without leaving one); it counts while there are handlers that it could call, and while it is
    // being ended (no table is left then).
    let hidden = core.pointee.signals.map { $0.isIdle ? 1 : 0 } ?? 0
    return core.operationsInFlight - hidden <= 0
  }

  /// Wakes the main coroutine with an error, or, after its end, gives up.
  func resolveDeadlock() {
    let main = core.pointee.main
    switch main.wait {
    case .join:
      leaveJoin(main)
      makeReady(main, .deadlock)
    case .end:
      makeReady(main, .deadlock)
    case .nothing, .operation, .sleep, .close:
      fatalError("Nothing can run, although the main coroutine waits for nothing (I2).")
    }
  }

  /// Every coroutine that lives, the youngest first.
  var living: [CoroutineRecord.Reference] { everyone.filter { !$0.pointee.isEnded } }

  /// The living, and those whose code is over and whose object's `deinit` still runs.
  var everyone: [CoroutineRecord.Reference] {
    var result: [CoroutineRecord.Reference] = []
    var cursor = core.pointee.firstAlive
    while let record = cursor {
      if !record.pointee.isHidden { result.append(record) }
      cursor = record.pointee.nextAlive
    }
    return result
  }

  // MARK: The end

  /// All that the main coroutine waits for after its code is over.
  var isOver: Bool {
    core.pointee.isClosing ? core.pointee.aliveCount == 1 : core.pointee.nonDaemonCount == 0
  }

  /// Suspends the main coroutine until `isOver`.
  ///
  /// - Returns: The report of a deadlock that came instead, or nil.
  func waitForOthers() -> String? {
    let main = core.pointee.main
    while !isOver {
      main.wait = .end
      if park() == .deadlock { return waiters }
    }
    return nil
  }

  /// Python's rule at the end of the program: who is not a daemon is run to the end.
  func endOfProgram() {
    // exit() from another coroutine ends at once, as it does from another thread.
    guard core.running == core.pointee.main, !core.pointee.main.pointee.isEnded,
      core.pointee.isProgramsLoop, core.pointee.process == getpid()
    else { return }
    markEnded(core.pointee.main)
    guard let report = waitForOthers() else { return }
    fflush(nil)
    Self.write(
      "Fatal: deadlock after the end of the main coroutine; these wait for ever:\(report)\n",
      to: STDERR_FILENO)
    _exit(EXIT_FAILURE)
  }

  /// The end of `run(on:)`: who is not a daemon runs to the end, then daemons are cancelled.
  func endOfRun() -> String? {
    markEnded(core.pointee.main)
    // Its code is over: the waits from here on are the library's.
    core.pointee.main.cancellation = .none
    let report = waitForOthers()
    core.pointee.isClosing = true
    for record in everyone where record != core.pointee.main { cancel(record, .always) }
    repeat {
      endEveryone()
      // Releases the handlers, and so runs code once more.
      stopSignals()
    } while !isOver || core.pointee.signals != nil
    // Nobody waits for a detached close, and yet the backend must have reported it (I3).
    while core.operationsInFlight > 0 { turn(mayBlock: true) }
    return report
  }

  /// Suspends the main coroutine until the cancelled others have ended.
  private func endEveryone() {
    guard let waiters = waitForOthers() else { return }
    fatalError("At a loop's end these wait for ever, although they were cancelled (I6):\(waiters)")
  }

  /// Makes the wait of `record` that is under way, or else its next one, end with `cancelled`;
  /// `.always`: every further one too.
  ///
  /// An operation that wins the race against it is delivered, and the next wait throws.
  func cancel(_ record: CoroutineRecord.Reference, _ cancellation: Cancellation) {
    if record.cancellation != .always { record.cancellation = cancellation }
    switch record.wait {
    case .nothing, .end, .close:
      break
    case .sleep:
      core.pointee.timers.remove(record)
      makeReady(record, .cancelled)
    case .join:
      core.pointee.timers.remove(record)
      leaveJoin(record)
      makeReady(record, .cancelled)
    case .operation:
      if record.wakeReason == .ready { record.wakeReason = .cancelled }
      hurry(record)
    }
  }
}
