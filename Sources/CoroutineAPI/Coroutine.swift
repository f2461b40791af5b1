import CContext
import SystemPackage

/// A flow of control on its loop's thread, modelled on Python's `threading.Thread`.
///
/// A coroutine runs ordinary, synchronous, throwing code on a stack of its own. Calls that block
/// (`sleep`, `join`, `receive`, …) park the coroutine, never the thread. There are three ways to
/// say what it does:
///
/// ```swift
/// Coroutine { try Coroutine.sleep(1) }.start()
/// Coroutine(target: greet, args: "world", 3).start()
/// final class Worker: Coroutine { override func run() throws { … } }
/// ```
///
/// It belongs to the loop it was started on and never leaves its thread, so its code may touch
/// anything that the thread's other coroutines touch, without locks.
open class Coroutine {
  enum Phase: UInt8 {
    case new
    case alive
    case ended
    /// `start()` found no memory for a stack.
    case failed
  }

  // Touched at each start; no other thread can reach them, and no access to them ever overlaps a
  // switch, so a dynamic check would find nothing.
  @exclusivity(unchecked) final var record: CoroutineRecord.Reference?
  @exclusivity(unchecked) final var phase = Phase.new
  @exclusivity(unchecked) private final var body: (() throws -> Void)?
  @exclusivity(unchecked) private(set) final var givenName: String?
  @exclusivity(unchecked) private final var startFailure: StartFailure?
  /// The ident of the coroutine that started it; 0: nobody did.
  @exclusivity(unchecked) final var starter: UInt64 = 0
  /// Told by `cancel()` before the start.
  @exclusivity(unchecked) final var cancellationAtStart = Cancellation.none
  private final let daemonAtStart: Bool
  final let stackSize: Int?
  final let number: UInt64

  private final class StartFailure {
    let error: CoroutineError
    init(_ error: CoroutineError) { self.error = error }
  }

  // MARK: Making

  /// A coroutine that will run its `run()`, which a subclass overrides.
  ///
  /// - Parameters:
  ///   - name: For people; "Coroutine-N" by default. Need not be unique.
  ///   - daemon: Whether the end of the program need not wait for it; as the current coroutine is,
  ///     by default.
  ///   - stackSize: Bytes of stack that its code can use, rounded up to whole pages and at least
  ///     16 KiB; 196 KiB by default. Only pages that are touched cost memory. Give more to code
  ///     that recurses deeply, or that has a single frame of more than 64 KiB.
  public init(name: String? = nil, daemon: Bool? = nil, stackSize: Int? = nil) {
    givenName = name
    self.stackSize = stackSize
    daemonAtStart =
      daemon ?? Scheduler.current.map { $0.core.running.pointee.isDaemon } ?? false
    number = coro_next_ident()
  }

  /// A coroutine that will run `body`.
  ///
  /// - Parameters:
  ///   - name: See `init(name:daemon:stackSize:)`.
  ///   - daemon: See there.
  ///   - stackSize: See there.
  ///   - body: What it does. It may capture anything: it never leaves the thread. An error that
  ///     leaves it is reported by `uncaughtErrorHook`.
  public convenience init(
    name: String? = nil, daemon: Bool? = nil, stackSize: Int? = nil,
    _ body: @escaping () throws -> Void
  ) {
    self.init(name: name, daemon: daemon, stackSize: stackSize)
    self.body = body
  }

  /// A coroutine that will call `target` with `args`, as `threading.Thread(target=, args=)` does.
  ///
  /// - Parameters:
  ///   - target: A function; what it returns is dropped.
  ///   - args: Its arguments, any number of them, of its parameters' types.
  ///   - name: See `init(name:daemon:stackSize:)`.
  ///   - daemon: See there.
  ///   - stackSize: See there.
  public convenience init<each Argument, Result, Failure: Error>(
    target: @escaping (repeat each Argument) throws(Failure) -> Result,
    args: repeat each Argument,
    name: String? = nil, daemon: Bool? = nil, stackSize: Int? = nil
  ) {
    self.init(name: name, daemon: daemon, stackSize: stackSize)
    body = { _ = try target(repeat each args) }
  }

  /// The main coroutine, whose stack is the thread's and which runs already.
  // Convenience, because an internal designated initialiser would keep subclasses in other modules
  // from inheriting the public convenience ones.
  convenience init(main record: CoroutineRecord.Reference) {
    self.init(name: "MainCoroutine", daemon: false)
    phase = .alive
    self.record = record
  }

  // MARK: Running

  /// What the coroutine does: it calls the closure or the target that it was made with.
  ///
  /// Subclasses override it. Called directly, and not by `start()`, it runs in the calling
  /// coroutine, as Python's `Thread.run` does.
  open func run() throws {
    try body?()
  }

  /// Runs the coroutine at once, until it first blocks or ends; then the caller goes on.
  ///
  /// It does not throw and does not wait for the end. Where no memory is to be had for a stack the
  /// coroutine ends without having run: the error is reported by `uncaughtErrorHook`, and `join()`
  /// throws it. Traps if the coroutine was started before, and on a thread without a loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public final func start() {
    guard phase == .new else {
      fatalError("\(name) was started before. A coroutine starts once; make a new one.")
    }
    let scheduler = Scheduler.orTrap("Coroutine.start")
    phase = .alive
    let reason = scheduler.start(self, stackSize: stackSize, isDaemon: daemonAtStart)
    if reason != 0 { report(failToStart(reason)) }
  }

  /// Starts a coroutine that works for the library, and is in no enumeration.
  final func startHidden(_ scheduler: Scheduler) throws(CoroutineError) {
    phase = .alive
    let reason = scheduler.start(self, stackSize: nil, isDaemon: true, isHidden: true)
    if reason != 0 { throw failToStart(reason) }
  }

  private final func failToStart(_ reason: CInt) -> CoroutineError {
    phase = .failed
    let failure = StartFailure(
      CoroutineError(
        .system, errno: Errno(rawValue: reason), call: "Coroutine.start", operands: name,
        detail: StackLimits.explanation(of: reason, stackSize: stackSize)))
    startFailure = failure
    body = nil
    return failure.error
  }

  /// What the coroutine's first frame calls.
  final func runReportingErrors() {
    do {
      try run()
    } catch {
      report(error)
    }
    body = nil
  }

  // MARK: Waiting for its end

  /// Suspends until the coroutine has ended.
  ///
  /// Returns at once if it has.
  ///
  /// Traps if the coroutine lives in another thread's loop.
  ///
  /// - Throws: `misuse` before its start, by itself, and where there is no loop; `cancelled`;
  ///   `deadlock`, to the main coroutine, if nothing can ever run again; what `start()` failed
  ///   with.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public final func join() throws(CoroutineError) {
    _ = try join(timeout: nil)
  }

  /// Suspends until the coroutine has ended, for `timeout` at most.
  ///
  /// - Parameter timeout: nil waits for ever; zero or less does not suspend.
  /// - Returns: Whether it has ended.
  /// - Throws: See `join()`; `unavailable` if there is no backend to wait with. An expired timeout
  ///   is no error.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public final func join(timeout: Duration?) throws(CoroutineError) -> Bool {
    let scheduler = try Scheduler.forCall("join")
    switch phase {
    case .new:
      throw CoroutineError(.misuse, call: "join", operands: name, detail: "it was not started")
    case .ended:
      return true
    case .failed:
      if let startFailure { throw startFailure.error }
      return true
    case .alive:
      break
    }
    guard let record else { return true }
    guard record.core == scheduler.core else {
      refuseAsForeign(record, "Join it there.")
    }
    guard record != scheduler.core.running else {
      throw CoroutineError(
        .misuse, call: "join", operands: name, detail: "a coroutine can't wait for its own end")
    }
    if let timeout {
      if !timeout.isPositive { return false }
      try scheduler.requireBackend()
    }
    let reason = scheduler.join(record, timeout: timeout)
    // It may have ended after the time was up, and before this one's turn came.
    if reason == .timeout { return phase != .alive }
    if let error = CoroutineError(reason, call: "join", operands: name, scheduler: scheduler) {
      throw error
    }
    return true
  }

  // MARK: Asking about it

  /// Copies the beginning of the name that it was given, if any.
  ///
  /// A signal handler may call it: it allocates nothing.
  ///
  /// - Returns: The number of bytes.
  final func copyGivenName(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let copied = givenName?.utf8.withContiguousStorageIfAvailable { name in
      let length = min(name.count, buffer.count)
      buffer.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(name)[..<length]))
      return length
    }
    return copied ?? 0
  }

  /// The coroutine's name, for people.
  public final var name: String {
    get { givenName ?? Self.defaultName(number) }
    set { givenName = newValue }
  }

  static func defaultName(_ number: UInt64) -> String { "Coroutine-\(number)" }

  /// A number that no other coroutine of the process has; nil before the start.
  public final var ident: UInt64? { phase == .new ? nil : number }

  /// Whether it was started and has not ended.
  public final var isAlive: Bool { phase == .alive }

  /// Whether the end of the program does not wait for it.
  public final var isDaemon: Bool { daemonAtStart }
}

@available(*, unavailable, message: "a coroutine never leaves its thread")
extension Coroutine: Sendable {}
