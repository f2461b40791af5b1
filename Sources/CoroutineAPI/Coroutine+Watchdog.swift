import Glibc

/// That a coroutine has held its thread, so that none of its loop's others could run.
public struct CoroutineHold: Hashable, Sendable, CustomStringConvertible {
  /// The coroutine's ident.
  public let ident: UInt64
  /// How long by now.
  public internal(set) var duration = Duration.zero
  private let givenName: String?

  init(of coroutine: Coroutine) {
    ident = coroutine.number
    givenName = coroutine.givenName
  }

  /// The coroutine's name.
  public var name: String { givenName ?? Coroutine.defaultName(ident) }

  /// A sentence for people.
  public var description: String {
    "\(name) (ident \(ident)) has held its thread for \(duration.forPeople); "
      + "no other coroutine could run."
  }
}

extension Coroutine {
  /// Watches for coroutines of the calling thread's loop that run for longer than `limit` without
  /// letting the others go: that compute, or block the thread in a call of somebody else's.
  ///
  /// A thread of its own watches, so one that never lets go is reported too, once each time that it
  /// holds the thread. The time until a processor was free counts as well, so choose the limit well
  /// above what a busy machine's scheduling takes. Off at first, and without cost then; while it is
  /// on, each switch reads a clock and takes a lock (about 0.1 µs). Calling it again replaces what
  /// was said before. It ends with the loop. Does not suspend.
  /// Traps on a thread without a loop, the process's main thread apart.
  ///
  /// asyncio's counterpart is `loop.slow_callback_duration`.
  ///
  /// - Parameters:
  ///   - limit: More than zero.
  ///   - report: Called on the watching thread; by default, writes a line to standard error.
  /// - Throws: `invalidArgument` if the limit is zero or less; `system` (EAGAIN) if there can be no
  ///   thread.
  public static func startWatchdog(
    limit: Duration,
    report: (@Sendable (CoroutineHold) -> Void)? = nil
  ) throws(CoroutineError) {
    guard limit.isPositive else {
      throw CoroutineError(
        .invalidArgument, call: "startWatchdog", operands: "with limit \(limit)",
        detail: "the limit must be more than zero")
    }
    let scheduler = Scheduler.orTrap("Coroutine.startWatchdog")
    scheduler.setWatchdog(
      try Watchdog(
        limit: limit, report ?? { Scheduler.write("Watchdog: \($0)\n", to: STDERR_FILENO) })
    )
  }

  /// Ends what `startWatchdog` began.
  ///
  /// Does not suspend. Traps on a thread without a loop, the process's main thread apart.
  public static func stopWatchdog() {
    Scheduler.orTrap("Coroutine.stopWatchdog").setWatchdog(nil)
  }
}
