/// The operations in flight on one descriptor, so that its end can hurry them.
///
/// As a rule there is one that receives, or one that sends, or both, and noting it costs a store.
struct OperationsInFlight {
  private var receiver: KernelOperation.Reference?
  private var sender: KernelOperation.Reference?
  /// All others, linked through themselves, and each younger than those two.
  private var others: KernelOperation.Reference?

  var isEmpty: Bool { receiver == nil && sender == nil && others == nil }

  /// - Parameter direction: The operation's, which the compiler knows where it is made.
  @inline(__always)
  mutating func add(
    _ operation: KernelOperation.Reference, _ direction: KernelOperation.Direction?
  ) {
    switch direction {
    case .reading where receiver == nil && others == nil: receiver = operation
    case .writing where sender == nil && others == nil: sender = operation
    default: addOther(operation)
    }
  }

  @inline(__always)
  mutating func remove(
    _ operation: KernelOperation.Reference, _ direction: KernelOperation.Direction?
  ) {
    switch direction {
    case .reading where receiver == operation: receiver = nil
    case .writing where sender == operation: sender = nil
    default: removeOther(operation)
    }
  }

  @inline(never)
  private mutating func addOther(_ operation: KernelOperation.Reference) {
    operation.pointer.pointee.previousOnDescriptor = nil
    operation.pointer.pointee.nextOnDescriptor = others
    others?.pointer.pointee.previousOnDescriptor = operation
    others = operation
  }

  @inline(never)
  private mutating func removeOther(_ operation: KernelOperation.Reference) {
    let next = operation.pointer.pointee.nextOnDescriptor
    let previous = operation.pointer.pointee.previousOnDescriptor
    if let previous {
      previous.pointer.pointee.nextOnDescriptor = next
    } else {
      others = next
    }
    next?.pointer.pointee.previousOnDescriptor = previous
  }

  /// Calls `body` with each, which takes none out; the youngest first, so that hurrying one makes
  /// it nobody's turn who is hurried next.
  func forEach(_ body: (KernelOperation.Reference) -> Void) {
    var cursor = others
    while let operation = cursor {
      cursor = operation.pointer.pointee.nextOnDescriptor
      body(operation)
    }
    if let receiver { body(receiver) }
    if let sender { body(sender) }
  }
}

extension DescriptorHandle {
  /// To be called when an operation on it was taken out.
  @inline(__always)
  func tellCloser() {
    if state.pointee.closer != nil { wakeCloser() }
  }

  @inline(never)
  private func wakeCloser() {
    guard let closer = state.pointee.closer, state.pointee.inFlight.isEmpty else { return }
    state.pointee.closer = nil
    Scheduler(core: closer.core).makeReady(closer, .ready)
  }
}
