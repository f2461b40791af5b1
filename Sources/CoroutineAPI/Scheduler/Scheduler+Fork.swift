import CContext

/// fork(2): in a child the parent's loops are dead.
///
/// The child has the memory of every loop and one thread, which goes on where its parent called
/// `fork`. What the loops have in the kernel is shared with the parent, which must feel nothing:
/// the child closes its copies, before `fork` returns there (`coro_fork.c`). Whatever then needs
/// the loop traps with advice. `Coroutine.run(on:)` makes a new one.
extension Scheduler {
  func watchForks() {
    coro_fork_watch { pointer in
      guard let pointer else { return }
      Scheduler(core: pointer.assumingMemoryBound(to: SchedulerCore.self)).abandon()
    }
    coro_loop_add(&core.pointee.loop, core)
    core.pointee.number = core.pointee.loop.number
  }

  /// Called in the child; allocates nothing and takes no lock.
  private func abandon() {
    core.pointee.isAbandoned = true
    // Who runs on in the child finds nobody to switch to and nobody to wake, now or at its end, and
    // so comes to `turn`, which refuses. Nothing need be asked at each switch.
    core.pointee.dispatcher.queue.removeAll()
    core.running.pointee.joiners = WaitList()
    core.pointee.main.wait = .nothing
    // Its thread is gone, perhaps with its lock.
    core.pointee.watchdog = nil
    core.pointee.backend?._withUnsafeGuaranteedRef { $0.backend.abandon() }
  }

  /// Ends a forked child that calls `call` without a loop of its own.
  static func refuseInChild(_ call: StaticString) -> Never {
    fatalError("\(call): \(adviceInChild)")
  }

  /// Ends a forked child in which a coroutine of the parent's would go on.
  @inline(never)
  func refuseToGoOnInChild() -> Never {
    let record = core.running
    // The object of one that ended may be gone.
    let name =
      record.pointee.isEnded
      ? "The end of a coroutine" : record.pointee.object._withUnsafeGuaranteedRef { $0.name }
    fatalError("\(name): \(Scheduler.adviceInChild)")
  }

  private static var adviceInChild: String {
    "this process was made by fork, and its parent's loops are dead in it. Call it inside "
      + "Coroutine.run(on: .automatic) { … }, execute another program, or exit."
  }
}

extension Coroutine {
  /// Ends the process that uses a coroutine of another loop, which may be the parent's.
  final func refuseAsForeign(_ record: CoroutineRecord.Reference, _ advice: StaticString) -> Never {
    if coro_loop_is_abandoned(record.core) {
      fatalError("\(name) runs in the process that this one was forked from, and not here.")
    }
    fatalError("\(name) belongs to another thread's loop. \(advice)")
  }
}
