import CContext
import Glibc

/// A loop: coroutines that take turns on one thread, above one backend.
///
/// There is no hub. Whoever blocks picks the next coroutine that can run and switches to it, and
/// calls the backend's `wait` itself if there is none; see `Scheduler+Suspend.swift`.
///
/// This is a handle of one word, to be passed around freely on the loop's thread.
struct Scheduler {
  let core: UnsafeMutablePointer<SchedulerCore>

  init(core: UnsafeMutablePointer<SchedulerCore>) {
    self.core = core
  }

  /// The loop whose first member this is.
  init(dispatcher: UnsafeMutablePointer<coro_dispatcher>) {
    core = UnsafeMutableRawPointer(dispatcher).assumingMemoryBound(to: SchedulerCore.self)
  }

  /// The calling thread's loop, or nil.
  static var current: Scheduler? {
    @inline(__always) get {
      guard let pointer = coro_thread_state().pointee.scheduler else { return nil }
      return Scheduler(core: pointer.assumingMemoryBound(to: SchedulerCore.self))
    }
  }

  /// The calling thread's loop; made now if this is the process's main thread.
  ///
  /// - Throws: `misuse` on any other thread without a loop, and inside a Swift task.
  @inline(__always)
  static func forCall(_ call: StaticString) throws(CoroutineError) -> Scheduler {
    if let current { return current }
    return try implicit(call)
  }

  /// As `forCall`, and the loop has its backend.
  ///
  /// - Throws: What `forCall` throws; `unavailable` if there is no backend to be had.
  @inline(__always)
  static func forKernelCall(_ call: StaticString) throws(CoroutineError) -> Scheduler {
    let scheduler = try forCall(call)
    try scheduler.requireBackend()
    return scheduler
  }

  /// As `forCall`, for calls that don't throw.
  @inline(__always)
  static func orTrap(_ call: StaticString) -> Scheduler {
    if let current { return current }
    do {
      return try implicit(call)
    } catch {
      fatalError(error.description)
    }
  }

  @inline(never)
  private static func implicit(_ call: StaticString) throws(CoroutineError) -> Scheduler {
    guard coro_is_main_thread() else {
      throw CoroutineError(
        .misuse, call: call,
        detail: "this thread has no loop; call it inside Coroutine.run(on: .automatic) { … }")
    }
    if coro_fork_lost_loops() { refuseInChild(call) }
    guard withUnsafeCurrentTask(body: { $0 == nil }) else {
      throw CoroutineError(
        .misuse, call: call,
        detail: "a Swift task must not block its thread; call it inside "
          + "Coroutine.run(on: .automatic) { … } on a thread of your own")
    }
    let exclusivity = try ExclusivityMode.fromEnvironment(for: call)
    let scheduler = Scheduler.make(choice: .automatic, exclusivity)
    scheduler.core.pointee.isProgramsLoop = true
    // exit() from another thread, which may have a loop of its own, ends at once.
    atexit { if coro_is_main_thread() { Scheduler.current?.endOfProgram() } }
    return scheduler
  }

  /// Switches must be told to somebody, or need the runtime's calls: see `mustBeChecked`.
  var isChecked: Bool {
    @inline(__always) get { core.pointee.dispatcher.words.must_tell }
  }

  /// Decides anew whether they must; to be called when an answer of `mustBeChecked` may change.
  func settleWhetherChecked() {
    core.pointee.dispatcher.words.must_tell = core.pointee.mustBeChecked
    coro_words_settle(&core.pointee.dispatcher.words)
  }

  // MARK: Making and taking down

  /// Makes a loop for the calling thread, which becomes its main coroutine.
  static func make(choice: BackendChoice, _ exclusivity: ExclusivityMode? = nil) -> Scheduler {
    coro_signal_disarm_pipe()
    let core = UnsafeMutablePointer<SchedulerCore>.allocate(capacity: 1)
    // From the beginning of a cache line, as a record on a stack is.
    let record = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<CoroutineRecord>.size, alignment: 64
    ).bindMemory(to: CoroutineRecord.self, capacity: 1)
    let object = Coroutine(main: record)
    record.initialize(
      to: CoroutineRecord(core: core, object: .passRetained(object), stack: .thread))
    coro_context_adopt_thread(&record.pointee.context)
    core.initialize(to: SchedulerCore(main: record, choice: choice))
    guard core.pointee.dispatcher.queue.reserve(1) else {
      fatalError("There is no memory for a loop.")
    }
    RuntimeLayout.locate(&core.pointee.dispatcher.words, exclusivity)
    core.pointee.reportsModifications =
      exclusivity == .report && RuntimeLayout.canReport(&core.pointee.dispatcher.words)
    let scheduler = Scheduler(core: core)
    scheduler.settleWhetherChecked()
    if scheduler.isChecked { coro_leak_thread_begins(&record.pointee.context) }
    scheduler.enlist(record)
    scheduler.watchOverflows()
    scheduler.watchForks()
    coro_thread_state().pointee.scheduler = UnsafeMutableRawPointer(core)
    return scheduler
  }

  /// Frees everything.
  ///
  /// No coroutine but the main one is left.
  func destroy() {
    let core = core
    if core.pointee.watchdog != nil { setWatchdog(nil) }
    // First: a child that is forked later would close others' descriptors of the same numbers.
    coro_loop_remove(&core.pointee.loop)
    if let box = core.pointee.backend {
      box.takeUnretainedValue().backend.close()
      box.release()
    }
    coro_thread_state().pointee.scheduler = nil
    coro_overflow_leave_thread()
    let main = core.pointee.main
    if isChecked { coro_leak_stack_ends(&main.pointee.context) }
    main.pointee.object.takeUnretainedValue().record = nil
    main.pointee.object.release()
    core.pointee.stacks.releaseAll()
    core.pointee.timers.deallocate()
    core.pointee.dispatcher.queue.deallocate()
    if isChecked { coro_context_destroy_checked(&core.pointee.endedContext) }
    main.deinitialize(count: 1)
    free(main)
    core.deinitialize(count: 1).deallocate()
  }

  // MARK: The backend

  /// Makes the backend if there is none yet.
  @inline(__always)
  func requireBackend() throws(CoroutineError) {
    if core.pointee.backend == nil { try makeBackend() }
  }

  @inline(never)
  private func makeBackend() throws(CoroutineError) {
    let backend = try core.pointee.choice.make()
    core.pointee.backend = .passRetained(BackendBox(backend))
    core.pointee.sendsAtOnce = backend.sendsAtOnce
    core.pointee.lastPoll = backend.now
  }

  /// Calls `body` with the backend, which exists.
  @inline(__always)
  func withBackend<Result>(_ body: (any Backend) -> Result) -> Result {
    guard let box = core.pointee.backend else { fatalError("The loop has no backend yet.") }
    return box._withUnsafeGuaranteedRef { body($0.backend) }
  }

  var now: Instant {
    core.pointee.backend == nil ? .kernelNow : withBackend { $0.now }
  }
}
