import Glibc

/// The end of a loop: of the program's, of `run(on:)`'s body, and by deadlock.
extension Scheduler {
  // MARK: Deadlock

  /// Nothing can run, and nothing can ever happen that would change that.
  var isDeadlocked: Bool {
    // The library's own coroutine for signals always has one operation in flight; it counts while
    // there are handlers that it could call, and while it is being ended (no table is left then).
    let hidden = core.pointee.signals.map { $0.isIdle ? 1 : 0 } ?? 0
    return core.pointee.timers.isEmpty && core.pointee.operationsInFlight - hidden <= 0
  }

  /// Wakes the main coroutine with an error, or, after its end, gives up.
  func resolveDeadlock() {
    let main = core.pointee.main
    switch main.pointee.wait {
    case .join:
      leaveJoin(main)
      makeReady(main, .deadlock)
    case .end:
      makeReady(main, .deadlock)
    case .nothing, .operation, .sleep, .close:
      fatalError("Nothing can run, although the main coroutine waits for nothing (I2).")
    }
  }

  /// A line for each coroutine that waits.
  var waiters: String {
    living.reversed().filter { $0.pointee.wait != .nothing && $0.pointee.wait != .end }
      .map { "\n  \(describe($0))" }.joined()
  }

  /// Every coroutine that lives, the youngest first.
  var living: [CoroutineRecord.Reference] { everyone.filter { !$0.pointee.isEnded } }

  /// The living, and those whose code is over and whose object's `deinit` still runs.
  private var everyone: [CoroutineRecord.Reference] {
    var result: [CoroutineRecord.Reference] = []
    var cursor = core.pointee.firstAlive
    while let record = cursor {
      if !record.pointee.isHidden { result.append(record) }
      cursor = record.pointee.nextAlive
    }
    return result
  }

  private func describe(_ record: CoroutineRecord.Reference) -> String {
    let name = label(record)
    switch record.pointee.wait {
    case .join:
      let target = record.pointee.joinTarget.map(label) ?? "another"
      return "\(name) waits for the end of \(target)"
    case .operation:
      let descriptor = record.pointee.operation?.pointer.pointee.kind.descriptor ?? -1
      return "\(name) waits for descriptor \(descriptor)"
    case .sleep: return "\(name) sleeps"
    case .close: return "\(name) closes a descriptor"
    case .end: return "\(name) waits for the end of the others"
    case .nothing: return "\(name) can run"
    }
  }

  private func label(_ record: CoroutineRecord.Reference) -> String {
    record.pointee.object._withUnsafeGuaranteedRef { "\($0.name) (ident \($0.number))" }
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
      main.pointee.wait = .end
      if park() == .deadlock { return waiters }
    }
    return nil
  }

  /// Python's rule at the end of the program: who is not a daemon is run to the end.
  func endOfProgram() {
    // exit() from another coroutine ends at once, as it does from another thread.
    guard core.pointee.running == core.pointee.main, !core.pointee.main.pointee.isEnded,
      core.pointee.isProgramsLoop, core.pointee.process == getpid()
    else { return }
    markEnded(core.pointee.main)
    guard let report = waitForOthers() else { return }
    fflush(nil)
    writeError("Fatal: deadlock after the end of the main coroutine; these wait for ever:\(report)")
    _exit(EXIT_FAILURE)
  }

  /// The end of `run(on:)`: who is not a daemon runs to the end, then daemons are cancelled.
  func endOfRun() -> String? {
    markEnded(core.pointee.main)
    let report = waitForOthers()
    core.pointee.isClosing = true
    for record in everyone where record != core.pointee.main { cancel(record) }
    _ = waitForOthers()
    stopSignals()
    // Nobody waits for a detached close, and yet the backend must have reported it (I3).
    while core.pointee.operationsInFlight > 0 { turn(mayBlock: true) }
    return report
  }

  /// Makes every wait of `record`, the one under way included, end with `cancelled`.
  func cancel(_ record: CoroutineRecord.Reference) {
    record.pointee.isCancelled = true
    switch record.pointee.wait {
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
      if record.pointee.wakeReason == .ready { record.pointee.wakeReason = .cancelled }
      hurry(record)
    }
  }

  func writeError(_ message: String) {
    var line = message + "\n"
    line.withUTF8 { bytes in _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }
}
