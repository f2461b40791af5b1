import Glibc
public import SystemPackage

extension Coroutine {
  /// Writes down every coroutine of the calling thread's loop: name and ident, whether it runs, can
  /// run or waits, what for and since when, how much of its timeout is left, and who started it.
  ///
  /// The counterpart of Python's `faulthandler.dump_traceback`. "Since when" is true to within the
  /// time between two turns of the loop, since no clock is read for it. Blocks the thread while
  /// `descriptor` has no room; does not suspend. Traps on a thread without a loop, the process's
  /// main thread apart.
  ///
  /// - Parameter descriptor: Where to; standard error by default. Errors in writing are ignored.
  public static func dump(to descriptor: FileDescriptor = .standardError) {
    Scheduler.write(dumpText(), to: descriptor.rawValue)
  }

  /// What `dump(to:)` writes: a line for the loop, and one for each coroutine.
  public static func dumpText() -> String {
    Scheduler.orTrap("Coroutine.dump").dump
  }

  /// Has a signal dump the calling thread's loop to standard error, and go on.
  ///
  /// The same as `signal(number, .dump)`, and the counterpart of Python's `faulthandler.register`;
  /// Ctrl-\ sends SIGQUIT. It is a handler as `signal` installs it, in the place of the one before,
  /// but one that starts no coroutine and doesn't keep a deadlock from being found. It can't be
  /// called while a coroutine holds the thread: `startWatchdog` finds those. Each loop that is to
  /// be dumped needs a signal of its own.
  ///
  /// - Parameter number: SIGQUIT, as a rule; see `signal`.
  /// - Returns: What the signal did before.
  /// - Throws: As `signal` does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public static func dump(onSignal number: CInt) throws(CoroutineError) -> SignalAction {
    try signal(number, .dump, call: "dump")
  }
}
