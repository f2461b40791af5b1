import CContext
import CLinux
import Glibc
import SystemPackage

/// What a `Socket` or `PipeEnd` knows of its descriptor, at a stable address.
struct DescriptorState {
  let descriptor: CInt
  var traits: KernelOperation.Traits
  private(set) var isClosed = false
  /// It is somebody else's, and left open.
  var isBorrowed = false
  /// The number of the loop that first waited on it; the only one that may while it lives.
  ///
  /// 0: nobody has, or it is closed. So one look says that it can be used, and where.
  private(set) var loop: UInt64 = 0
  /// The operations in flight on it: see `OperationsInFlight`.
  var inFlight = OperationsInFlight()
  /// Of an end of a pipe that nobody else has from the beginning; one reference to it.
  let pipe: UnsafeMutablePointer<coro_pipe>?
  /// The coroutine that closes it and waits for those operations to end.
  var closer: CoroutineRecord.Reference?

  init(
    descriptor: CInt, traits: KernelOperation.Traits, pipe: UnsafeMutablePointer<coro_pipe>?
  ) {
    self.descriptor = descriptor
    self.traits = traits
    self.pipe = pipe
  }

  mutating func belong(to scheduler: Scheduler) {
    loop = scheduler.core.pointee.number
    coro_pipe_use(pipe, loop)
  }

  /// Has everybody refused from now on.
  mutating func markClosed() {
    isClosed = true
    loop = 0
  }
}

/// The one way from a public type to its descriptor.
///
/// Owned by the object that made it.
struct DescriptorHandle {
  let state: UnsafeMutablePointer<DescriptorState>

  init(
    _ descriptor: CInt, traits: KernelOperation.Traits,
    pipe: UnsafeMutablePointer<coro_pipe>? = nil
  ) {
    state = .allocate(capacity: 1)
    state.initialize(to: DescriptorState(descriptor: descriptor, traits: traits, pipe: pipe))
  }

  var descriptor: CInt { state.pointee.descriptor }

  // MARK: Calls

  /// Performs an operation on the descriptor; see `Scheduler.perform`.
  @inline(__always)
  func perform(
    _ call: StaticString, _ kind: KernelOperation.Kind, timeout: Duration?,
    likelyToWait: Bool = false, peer: CInt = -1, hints: KernelOperation.Hints = []
  ) throws(CoroutineError) -> Outcome {
    let scheduler: Scheduler
    if let loop = owningLoop {
      scheduler = loop
    } else {
      guard let loop = try admit(call) else { return .closed }
      scheduler = loop
    }
    return scheduler.perform(
      kind, on: self, timeout: timeout, likelyToWait: likelyToWait, peer: peer,
      hints: hints)
  }

  /// Makes a system call that never waits, of this descriptor and perhaps another one.
  func perform(
    _ call: StaticString, _ systemCall: SystemCall, with other: DescriptorHandle? = nil
  ) throws(CoroutineError) -> Outcome {
    if let other, try other.admit(call) == nil { return .closed }
    guard let scheduler = try admit(call) else { return .closed }
    return scheduler.perform(.call(systemCall), on: self, timeout: nil)
  }

  /// Makes the send(2), without blocking, that the backend would begin with, and no operation:
  /// nearly always that is all.
  ///
  /// - Returns: A count or a negated errno value; -EAGAIN: it was tried in vain, and not counted
  ///   against the budget. nil: an operation has to tell.
  @inline(__always)
  func sendAtOnce(_ bytes: UnsafeRawBufferPointer, flags: CInt) -> Int? {
    guard let scheduler = owningLoop, scheduler.core.pointee.sendsAtOnce,
      scheduler.core.running.cancellation == .none,
      // Nobody overtakes who waits, whichever object that one uses: the backend knows.
      scheduler.core.pointee.sendersInFlight == 0
    else { return nil }
    let result = coro_sys_send(
      state.pointee.descriptor, bytes.baseAddress, bytes.count, flags | CInt(MSG_DONTWAIT))
    if result >= 0 {
      scheduler.spendBudgetInline()
      return result
    }
    return sendFailed(result, scheduler)
  }

  @inline(never)
  private func sendFailed(_ result: Int, _ scheduler: Scheduler) -> Int? {
    switch -result {
    case Int(EINTR): return nil
    case Int(EAGAIN): return result
    case Int(EBADF):
      // The backend is to know that the number is nobody's any more.
      scheduler.introduce(descriptor)
    default: break
    }
    scheduler.spendBudgetInline()
    return result
  }

  /// The calling thread's loop, if the descriptor is its own already, and open.
  ///
  /// It has a backend then: see `admit`.
  @inline(__always)
  private var owningLoop: Scheduler? {
    guard let scheduler = Scheduler.current,
      state.pointee.loop == scheduler.core.pointee.number
    else { return nil }
    return scheduler
  }

  /// As `owningLoop`; makes the descriptor the loop's, and the loop's backend, if need be.
  ///
  /// - Returns: nil if it is closed.
  @inline(never)
  private func admit(_ call: StaticString) throws(CoroutineError) -> Scheduler? {
    let scheduler = try Scheduler.forKernelCall(call)
    if state.pointee.isClosed { return nil }
    if state.pointee.loop != scheduler.core.pointee.number { claim(scheduler) }
    return scheduler
  }

  /// Makes the descriptor the loop's, if it is nobody's or its loop has ended.
  @inline(never)
  private func claim(_ scheduler: Scheduler) {
    // Zero, nobody's, is what it is but for those that change hands: no need to ask.
    let isNobodys = state.pointee.loop == 0
    switch isNobodys ? CORO_LOOP_ENDED : coro_loop_state_of(state.pointee.loop) {
    case CORO_LOOP_ENDED:
      break
    case CORO_LOOP_ABANDONED:
      fatalError(
        "Descriptor \(descriptor) belongs to a loop of the process that this one was forked from. "
          + "Let a Socket(adopting:) or PipeEnd(adopting:) of the child have a duplicate of it: "
          + "fileDescriptor.duplicate().")
    default:
      fatalError(
        "Descriptor \(descriptor) belongs to another thread's loop. Use it there, or make one here."
      )
    }
    state.pointee.belong(to: scheduler)
    scheduler.introduce(descriptor)
  }

  /// For the operations that are in flight too, which have not been woken yet.
  func addTraits(_ traits: KernelOperation.Traits) {
    state.pointee.traits.formUnion(traits)
    state.pointee.inFlight.forEach { $0.pointer.pointee.traits.formUnion(traits) }
  }

  // MARK: The end

  /// Wakes everyone who waits on the descriptor with an error, then closes it.
  ///
  /// Closing again does nothing.
  func close(_ call: StaticString, _ operands: @autoclosure () -> String) throws(CoroutineError) {
    if state.pointee.isClosed { return }
    let scheduler = try retire(call)
    let kind: KernelOperation.Kind =
      state.pointee.isBorrowed ? .forget(descriptor) : .close(descriptor)
    _ = try scheduler.performUncancelled(kind).value(call, operands())
  }

  /// As `close`, and leaves the descriptor open.
  func detach(_ call: StaticString, _ operands: @autoclosure () -> String) throws(CoroutineError) {
    if state.pointee.isClosed {
      throw CoroutineError(.closed, call: call, operands: operands())
    }
    let scheduler = try retire(call)
    _ = try scheduler.performUncancelled(.forget(descriptor)).value(call, operands())
  }

  /// Refuses all further use, and waits until the kernel has let go of every buffer.
  ///
  /// The number stays taken until then, so that whoever gets it next inherits nothing.
  private func retire(_ call: StaticString) throws(CoroutineError) -> Scheduler {
    let scheduler = try Scheduler.forKernelCall(call)
    if state.pointee.loop != scheduler.core.pointee.number { claim(scheduler) }
    state.pointee.markClosed()
    drain(scheduler)
    return scheduler
  }

  private func drain(_ scheduler: Scheduler) {
    state.pointee.inFlight.forEach { scheduler.hurry($0) }
    if state.pointee.inFlight.isEmpty { return }
    let me = scheduler.core.running
    state.pointee.closer = me
    me.wait = .close
    _ = scheduler.park()
  }

  /// For `deinit`: closes the descriptor if nobody has.
  ///
  /// Never suspends; nobody can be waiting.
  func release() {
    if !state.pointee.isClosed { closeUnawaited() }
    coro_pipe_release(state.pointee.pipe)
    state.deallocate()
  }

  private func closeUnawaited() {
    let kind: KernelOperation.Kind =
      state.pointee.isBorrowed ? .forget(descriptor) : .close(descriptor)
    // Through the seam, unless its loop is gone, or this is another thread: what a living loop
    // knows of the number is corrected when the number is introduced to it again.
    if let scheduler = Scheduler.current, scheduler.core.pointee.backend != nil,
      state.pointee.loop == 0 || state.pointee.loop == scheduler.core.pointee.number
    {
      scheduler.performDetached(kind)
    } else {
      var operation = KernelOperation(kind)
      withUnsafeMutablePointer(to: &operation) { _ = KernelOperation.Reference($0).attempt() }
    }
  }
}

extension Scheduler {
  /// Tells the backend that somebody begins to use a descriptor.
  func introduce(_ descriptor: CInt) {
    var operation = KernelOperation(.introduce(descriptor))
    withUnsafeMutablePointer(to: &operation) { pointer in
      _ = withBackend { $0.start(KernelOperation.Reference(pointer)) }
    }
  }

  /// Makes a system call that never waits.
  static func call(
    _ name: StaticString, _ call: SystemCall, _ operands: @autoclosure () -> String = ""
  ) throws(CoroutineError) -> Int {
    let scheduler = try forKernelCall(name)
    return try scheduler.performUncancelled(.call(call)).value(name, operands())
  }

  /// Makes a system call that fills in two descriptors.
  static func callForPair(
    _ name: StaticString, _ makeCall: (UnsafeMutablePointer<CInt>) -> SystemCall
  ) throws(CoroutineError) -> (CInt, CInt) {
    var ends: (CInt, CInt) = (-1, -1)
    _ = try withUnsafeMutablePointer(to: &ends) { pair throws(CoroutineError) in
      try pair.withMemoryRebound(to: CInt.self, capacity: 2) { pointer throws(CoroutineError) in
        try call(name, makeCall(pointer))
      }
    }
    return ends
  }
}
