extension Coroutine {
  /// Tells the coroutine to end: the wait that it is in, or else its next one, throws.
  ///
  /// The error has the code `cancelled` and is thrown once, however often this was called until
  /// then; `defer` and `deinit` run on its way, and may wait. Code that catches it and goes on is
  /// not cancelled any more. An error that leaves the coroutine's code ends it, and is not
  /// reported.
  ///
  /// Cancelling only hurries. A transfer or an `accept` that had succeeded by then returns what it
  /// has, and the wait after it throws: no byte and no descriptor is lost. Closing a descriptor
  /// isn't interrupted. Before the start it holds for the first wait of the code; after the end it
  /// does nothing. What doesn't suspend isn't a wait: a loop that computes asks
  /// `checkCancellation()`.
  ///
  /// Does not suspend; the target runs when its turn comes. The counterpart of asyncio's
  /// `Task.cancel()`. Traps if the coroutine lives in another thread's loop.
  public final func cancel() {
    switch phase {
    case .new:
      cancellationAtStart = .once
    case .ended, .failed:
      break
    case .alive:
      let scheduler = Scheduler.orTrap("Coroutine.cancel")
      guard let record else { return }
      guard record.core == scheduler.core else {
        refuseAsForeign(record, "Cancel it there.")
      }
      scheduler.cancel(record, .once)
    }
  }

  /// Throws if the running coroutine was told to end; for code that computes and does not wait.
  ///
  /// Does not suspend, and lets nobody else run: only what was said before the coroutine's last
  /// wait, or by itself, can be heard. `sleep()` asks too, and lets the others run.
  ///
  /// - Throws: `cancelled`, `misuse` where there is no loop.
  public static func checkCancellation() throws(CoroutineError) {
    let scheduler = try Scheduler.forCall("checkCancellation")
    if scheduler.core.running.cancellation != .none {
      _ = scheduler.throwCancellation()
      throw CoroutineError(.cancelled, call: "checkCancellation")
    }
  }
}
