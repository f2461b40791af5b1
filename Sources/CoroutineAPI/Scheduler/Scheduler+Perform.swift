import CContext
import Glibc

/// From a call of the API to the kernel and back.
extension Scheduler {
  /// Asks the kernel for something and suspends until it is done.
  ///
  /// The operation is born here, in the caller's frame, of which this is a part, and is gone when
  /// the call returns: the kernel has let go of it by then, whatever happened (I3).
  ///
  /// - Parameters:
  ///   - kind: What is asked; its pointers stay valid during the call.
  ///   - descriptor: The descriptor that it is asked of, or nil.
  ///   - timeout: nil: for ever; zero or less: once, without waiting; else at most so long.
  ///   - likelyToWait: Whether the wait, too, is to be a part of the caller: faster where it is the
  ///     rule, and slower where it is not.
  ///   - peer: See `KernelOperation.peer`.
  ///   - hints: See `KernelOperation.Hints`.
  /// - Returns: What the kernel said, or why it was not waited for any longer.
  @inline(__always)
  func perform(
    _ kind: KernelOperation.Kind, on descriptor: DescriptorHandle?, timeout: Duration?,
    likelyToWait: Bool = false, peer: CInt = -1,
    hints: KernelOperation.Hints = []
  ) -> Outcome {
    if core.running.cancellation != .none {
      _ = throwCancellation()
      return .cancelled
    }
    var operation = KernelOperation(
      kind, traits: descriptor?.state.pointee.traits ?? [],
      mayWait: timeout?.isPositive ?? true, peer: peer, hints: hints)
    // The pointer is to one operation and never moved: there is nothing to protect the stack from.
    return _withUnprotectedUnsafeMutablePointer(to: &operation) {
      perform(
        KernelOperation.Reference($0), kind.direction, on: descriptor, timeout: timeout,
        likelyToWait: likelyToWait)
    }
  }

  /// As `perform`, also for a cancelled coroutine, and without a time limit: to close a descriptor,
  /// for one.
  func performUncancelled(_ kind: KernelOperation.Kind) -> Outcome {
    var operation = KernelOperation(kind)
    return withUnsafeMutablePointer(to: &operation) {
      perform(KernelOperation.Reference($0), nil, on: nil, timeout: nil, likelyToWait: false)
    }
  }

  /// What finishes at once comes back without a call but the backend's.
  @inline(__always)
  private func perform(
    _ operation: KernelOperation.Reference, _ direction: KernelOperation.Direction?,
    on descriptor: DescriptorHandle?, timeout: Duration?, likelyToWait: Bool
  ) -> Outcome {
    operation.pointer.pointee.waiter = UnsafeMutableRawPointer(core.running)
    guard withBackend({ $0.start(operation) }) else {
      return likelyToWait
        ? awaitDeliveryInline(of: operation, direction, on: descriptor, timeout: timeout)
        : awaitDelivery(of: operation, direction, on: descriptor, timeout: timeout)
    }
    if case .call = operation.pointer.pointee.kind {
      // Such calls promise not to suspend: what stands between two of them is undivided.
    } else {
      spendBudgetInline()
    }
    let result = operation.pointer.pointee.result
    return !operation.pointer.pointee.mayWait && result == -Int(EAGAIN) ? .timeout : Outcome(result)
  }

  @inline(never)
  private func awaitDelivery(
    of operation: KernelOperation.Reference, _ direction: KernelOperation.Direction?,
    on descriptor: DescriptorHandle?, timeout: Duration?
  ) -> Outcome {
    awaitDeliveryInline(of: operation, direction, on: descriptor, timeout: timeout)
  }

  @inline(__always)
  private func awaitDeliveryInline(
    of operation: KernelOperation.Reference, _ direction: KernelOperation.Direction?,
    on descriptor: DescriptorHandle?, timeout: Duration?
  ) -> Outcome {
    let me = core.running
    core.operationsInFlight &+= 1
    if direction == .writing { core.pointee.sendersInFlight &+= 1 }
    me.operation = operation
    me.wait = .operation
    me.wakeReason = .ready
    descriptor?.state.pointee.inFlight.add(operation, direction)
    if let timeout { setTimer(timeout) }
    let reason = parkInline()
    if direction == .writing { core.pointee.sendersInFlight &-= 1 }
    descriptor?.state.pointee.inFlight.remove(operation, direction)
    descriptor?.tellCloser()

    // Cancelling only hurries: if the operation won the race, what it did is what counts.
    let result = operation.pointer.pointee.result
    // A count is the rule, and the caller asks for that next: so it is one comparison for both.
    if result >= 0 || result != -Int(ECANCELED) { return Outcome(result) }
    return outcomeOfCancelled(reason, descriptor)
  }

  @inline(never)
  private func setTimer(_ timeout: Duration) {
    core.pointee.timers.insert(core.running, at: now + timeout)
  }

  @inline(never)
  private func outcomeOfCancelled(_ reason: WakeReason, _ descriptor: DescriptorHandle?) -> Outcome
  {
    switch reason {
    case .timeout: return .timeout
    case .cancelled:
      _ = throwCancellation()
      return .cancelled
    case .ready, .deadlock:
      return descriptor?.state.pointee.isClosed == true ? .closed : Outcome(-Int(ECANCELED))
    }
  }

  /// Takes a finished operation from the backend: those whose coroutines are not just to be made
  /// ready, which is `coro_deliver`.
  func deliver(_ operation: KernelOperation.Reference) {
    guard let waiter = operation.pointer.pointee.waiter else {
      return core.pointee.finishedDetached.append(operation)
    }
    // Its time may be up before it runs: nothing is waited for any more.
    core.pointee.timers.remove(waiter.assumingMemoryBound(to: CoroutineRecord.self))
    guard coro_deliver(&core.pointee.dispatcher, waiter, operation.pointer) else {
      fatalError("The backend reported an operation that is not in flight (I1).")
    }
  }

  // MARK: Operations that nobody waits for

  /// Starts an operation whose result nobody wants to know, from where nothing may suspend.
  func performDetached(_ kind: KernelOperation.Kind) {
    let pointer = UnsafeMutablePointer<KernelOperation>.allocate(capacity: 1)
    pointer.initialize(to: KernelOperation(kind))
    core.operationsInFlight += 1
    if withBackend({ $0.start(KernelOperation.Reference(pointer)) }) {
      finishDetached(KernelOperation.Reference(pointer))
    }
  }

  /// Frees what was reported.
  @inline(never)
  func finishDetached() {
    while let operation = core.pointee.finishedDetached.popFirst() { finishDetached(operation) }
  }

  private func finishDetached(_ operation: KernelOperation.Reference) {
    core.operationsInFlight -= 1
    operation.pointer.deallocate()
  }

  // MARK: Cancelling

  /// Asks the backend to finish the operation early that `record` waits for.
  func hurry(_ record: CoroutineRecord.Reference) {
    guard record.wait == .operation, let operation = record.operation else { return }
    hurry(operation)
  }

  /// See above; asks at most once, and not if the operation was reported already.
  func hurry(_ operation: KernelOperation.Reference) {
    // Closing is never cancelled: the descriptor would be nobody's.
    if case .close = operation.pointer.pointee.kind { return }
    guard !operation.pointer.pointee.isCancelled,
      let waiter = operation.pointer.pointee.waiter,
      waiter.assumingMemoryBound(to: CoroutineRecord.self).operation == operation
    else { return }
    operation.pointer.pointee.isCancelled = true
    withBackend { $0.cancel(operation) }
  }
}

/// What came of an operation: a count, a negated errno value, or a reason of the library's own.
struct Outcome: Equatable {
  let rawValue: Int

  init(_ rawValue: Int) {
    self.rawValue = rawValue
  }

  // Below every errno value.
  static let timeout = Outcome(-0x10001)
  static let cancelled = Outcome(-0x10002)
  static let closed = Outcome(-0x10003)
}
