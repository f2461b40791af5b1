import CContext
import CLinux
import Glibc

/// What a signal does.
public enum SignalAction {
  /// The kernel's default for the signal.
  case `default`
  /// Nothing. Inherited by programs that this process executes.
  case ignore
  /// Calls a function with the signal's number, in a coroutine of its own.
  case handler((CInt) throws -> Void)
  /// Dumps the loop, and starts no coroutine: see `Coroutine.dump(onSignal:)`.
  case dump
  /// A handler that something other than this loop installed.
  case foreign(ForeignHandler)

  /// A disposition that was there before, to be restored as it was.
  public struct ForeignHandler {
    let state: coro_signal_state
  }
}

extension Coroutine {
  /// Calls `handler` whenever the signal arrives, as Python's `signal.signal` does.
  ///
  /// The handler runs in a new coroutine of this thread's loop, so it may sleep, join and do I/O;
  /// the next signal gets another coroutine. It runs when the kernel is asked for news: as soon as
  /// nothing else can run, or else after a millisecond or two of others' work, more if one of them
  /// computes for longer; no coroutine is interrupted. The same signal arriving again before that
  /// is merged with it, as the kernel merges pending signals. Whichever thread the kernel picks,
  /// nothing need be blocked in any of them. Task-local values are, in every handler, those of the
  /// loop's first call of `signal`. Does not suspend. While a handler is installed, waiting is
  /// never a deadlock.
  ///
  /// - Parameters:
  ///   - number: SIGINT, SIGTERM, SIGCHLD, SIGRTMIN + n, …
  ///   - handler: Called with the number. An error that leaves it goes to `uncaughtErrorHook`.
  /// - Returns: What the signal did before.
  /// - Throws: `invalidArgument` for SIGKILL and SIGSTOP, which can't be handled, for SIGSEGV,
  ///   SIGBUS, SIGFPE, SIGILL and SIGTRAP, whose handler must not return, and for a number that is
  ///   no signal; `system` (EMFILE, ENFILE, ENOMEM) where the first one can't be prepared; `misuse`
  ///   where there is no loop; `unavailable`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public static func signal(
    _ number: CInt, _ handler: @escaping (CInt) throws -> Void
  ) throws(CoroutineError) -> SignalAction {
    try signal(number, .handler(handler))
  }

  /// Sets what the signal does: the default, nothing, or what it did before.
  ///
  /// - Parameters:
  ///   - number: See the other `signal`.
  ///   - action: Often what an earlier call returned.
  /// - Returns: What the signal did before.
  /// - Throws: See the other `signal`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public static func signal(
    _ number: CInt, _ action: SignalAction
  ) throws(CoroutineError) -> SignalAction {
    try signal(number, action, call: "signal")
  }

  static func signal(
    _ number: CInt, _ action: SignalAction, call: StaticString
  ) throws(CoroutineError) -> SignalAction {
    let scheduler = try Scheduler.forKernelCall(call)
    try SignalTable.validate(number)
    let table = try scheduler.signalTable()
    return try table.set(number, action)
  }
}

extension Scheduler {
  func signalTable() throws(CoroutineError) -> SignalTable {
    if let table = core.pointee.signals { return table }
    let table = try SignalTable()
    core.pointee.signals = table
    do throws(CoroutineError) {
      try table.dispatcher.startHidden(self)
    } catch {
      core.pointee.signals = nil
      throw error
    }
    if let failure = table.failure { throw failure }
    return table
  }

  /// Puts every signal's disposition back as it was before the loop, and ends the dispatcher.
  func stopSignals() {
    guard let table = core.pointee.signals else { return }
    table.restoreAll()
    // The dispatcher's read counts from here on: waiting for its end is no deadlock.
    core.pointee.signals = nil
    withExtendedLifetime(table) {
      guard let record = table.dispatcher.record else { return }
      cancel(record, .always)
      _ = join(record, timeout: nil)
    }
  }
}

/// The signal handlers of one loop.
///
/// The kernel's handler, in C, sets a bit and writes to an eventfd (the self-pipe trick); a hidden
/// coroutine reads from it like from any other descriptor, and starts a coroutine for each bit.
final class SignalTable {
  private let box: UnsafeMutablePointer<coro_signal_box>
  /// The box's eventfd.
  private let events: DescriptorHandle
  private var handlers: [CInt: (CInt) throws -> Void] = [:]
  /// The signals that dump.
  private var dumps: Set<CInt> = []
  /// What had come when something else was set, and for whom.
  private var late: [(number: CInt, action: SignalAction)] = []
  /// Whether there is anything to put back.
  private var hasSettings = false
  /// Everything was put back; what comes now is for whoever has the signal by then.
  private var isOver = false
  let dispatcher: Coroutine
  /// Why the dispatcher ended by itself; nil while it hears of signals.
  private(set) var failure: CoroutineError?

  /// Whether no signal could start a coroutine.
  var isIdle: Bool { handlers.isEmpty && late.isEmpty }

  init() throws(CoroutineError) {
    guard let box = coro_signal_box_take_spare() else {
      throw CoroutineError(Outcome(-Int(errno)), call: "signal", operands: "(eventfd)")
    }
    self.box = box
    events = DescriptorHandle(coro_signal_box_descriptor(box), traits: [])
    events.state.pointee.isBorrowed = true
    let current = CurrentTable()
    dispatcher = Coroutine(name: "signals", daemon: true) { try current.table?.dispatch() }
    current.table = self
  }

  /// Breaks the cycle between the table and its dispatcher's code.
  private final class CurrentTable {
    unowned(unsafe) var table: SignalTable?
  }

  deinit {
    // Only forgotten: a signal's handler on another thread may be writing to it.
    events.release()
    coro_signal_box_give_back(box)
  }

  // MARK: Dispatch

  /// Without the eventfd nothing is heard of signals: rather than be swallowed, each does again
  /// what it did before.
  private func dispatch() throws(CoroutineError) {
    do throws(CoroutineError) {
      try readAndStart()
    } catch {
      guard error.code != .cancelled else { throw error }
      failure = error
      let isUsed = hasSettings
      restoreAll()
      Scheduler.current?.core.pointee.signals = nil
      // The first time, `signal` throws it.
      if isUsed { throw error }
    }
  }

  private func readAndStart() throws(CoroutineError) {
    var count: UInt64 = 0
    while true {
      let outcome = try withUnsafeMutableBytes(of: &count) { bytes throws(CoroutineError) in
        try events.perform("read", .read(events.descriptor, bytes), timeout: nil)
      }
      _ = try outcome.value("read", "signals")
      startHandlers()
    }
  }

  private func startHandlers() {
    guard !isOver else { return }
    // First everything that has come, then the handlers: they may set signals.
    var arrived = late
    late = []
    for word in 0..<2 {
      var bits = coro_signal_box_pending(box, CInt(word))
      while bits != 0 {
        let number = CInt(word * 64 + bits.trailingZeroBitCount)
        bits &= bits - 1
        if let action = ours(number) {
          arrived.append((number, action))
        } else {
          coro_signal_stray(number)
        }
      }
    }
    for (number, action) in arrived { handle(number, action) }
  }

  private func handle(_ number: CInt, _ action: SignalAction) {
    switch action {
    case .handler(let handler):
      Coroutine(name: "signal-\(number)", daemon: false) { try handler(number) }.start()
    case .dump: Coroutine.dump()
    case .default, .ignore, .foreign: break
    }
  }

  /// What this loop does when the signal comes; nil: nothing.
  private func ours(_ number: CInt) -> SignalAction? {
    if let handler = handlers[number] { return .handler(handler) }
    return dumps.contains(number) ? .dump : nil
  }

  // MARK: Dispositions

  static func validate(_ number: CInt) throws(CoroutineError) {
    let reason: String
    switch number {
    case SIGKILL, SIGSTOP: reason = "this signal can't be handled or ignored"
    // SIGTRAP: how a failed precondition ends on arm64, where it would repeat as well.
    case SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP:
      reason = "the fault would repeat when the handler returns; use sigaction(2) itself"
    case 1..<32, 34...64: return  // glibc keeps 32 and 33 for its threads.
    default: reason = "there is no such signal"
    }
    throw CoroutineError(.invalidArgument, call: "signal", operands: "\(number)", detail: reason)
  }

  func set(_ number: CInt, _ action: SignalAction) throws(CoroutineError) -> SignalAction {
    var previous = coro_signal_state()
    let result: CInt
    switch action {
    case .handler, .dump: result = coro_signal_handle(number, box, &previous)
    case .default: result = coro_signal_set_default(number, box, &previous)
    case .ignore: result = coro_signal_set_ignored(number, box, &previous)
    case .foreign(let foreign):
      result = withUnsafePointer(to: foreign.state) {
        coro_signal_restore(number, box, $0, &previous)
      }
    }
    guard result == 0 else {
      throw CoroutineError(Outcome(-Int(errno)), call: "signal", operands: "\(number)")
    }
    hasSettings = true
    let replaced = ours(number)
    // Handled when the dispatcher reads, which is told already.
    if coro_signal_box_take(box, number), let replaced { late.append((number, replaced)) }
    if case .handler(let handler) = action {
      handlers[number] = handler
    } else {
      handlers[number] = nil
    }
    dumps.remove(number)
    if case .dump = action { dumps.insert(number) }
    if previous.box == box, let replaced { return replaced }
    switch coro_signal_disposition(&previous.action) {
    case 0: return .default
    case 1: return .ignore
    default: return .foreign(SignalAction.ForeignHandler(state: previous))
    }
  }

  /// Releases the handlers too; what their end runs may set signals, and that is put back as well.
  func restoreAll() {
    isOver = true
    while hasSettings {
      hasSettings = false
      coro_signal_leave(box)
      dumps = []
      let released = (handlers, late)
      handlers = [:]
      late = []
      withExtendedLifetime(released) {}
    }
  }
}
