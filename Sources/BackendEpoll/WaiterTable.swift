import CLinux
import CoroutineAPI
import Glibc

// Edge-triggered epoll, and why no wake-up is lost
//
// A descriptor is added to epoll once, when an operation on it first has to wait, for both
// directions and edge-triggered, and stays there until it is closed. From then on the kernel tells
// of changes only: an edge that nobody waits for must be remembered, or the next one to wait would
// wait for ever. So the table keeps, for each direction, whether the last call found it not ready
// (`isBlocked`); an edge clears that. The rules:
//
// 1. Attempt first. An operation is attempted unless its direction is known to be blocked, or
//    others wait for the same direction: first come, first served.
// 2. Only EAGAIN says "blocked", and for TCP a short read: it emptied the socket, and the next byte
//    makes an edge. That is not so for other types (a Unix socket stops short at ancillary data),
//    nor once the peer has hung up (the end of the stream has had its edge) or has sent urgent data
//    (a read stops short at its mark).
// 3. The first attempt that fails comes BEFORE the descriptor is added. If it became ready in
//    between, adding reports it: EPOLL_CTL_ADD delivers the state as a first edge.
// 4. An edge sets the direction free and attempts the waiting, in order, until one finds EAGAIN.
//
// Numbers are reused. An event carries the generation of its descriptor's registration, and an
// event of an earlier one, which lay in the same batch when the number was closed, is dropped. A
// registration belongs to the open file and not to the number: with a duplicate open elsewhere it
// would outlive close(2), so it is deleted first.

/// What is known of each descriptor, indexed by its number.
final class WaiterTable {
  private struct Waiters {
    var operations = OperationList()
    /// The last call found it not ready, and no edge came since.
    var isBlocked = false
  }

  private struct Entry {
    var reading = Waiters()
    var writing = Waiters()
    var generation: UInt32 = 0
    var isRegistered = false
    /// The peer has hung up or sent urgent data: rule 2's short reads say nothing any more.
    var mayStopShort = false
  }

  private let epoll: CInt
  // Raw memory, so that an entry is reached without an exclusivity check or a count.
  private let storage: UnsafeMutablePointer<UnsafeMutableBufferPointer<Entry>>

  init(epoll: CInt) {
    self.epoll = epoll
    storage = .allocate(capacity: 1)
    storage.initialize(to: UnsafeMutableBufferPointer(start: nil, count: 0))
  }

  func deallocate() {
    storage.pointee.deallocate()
    storage.deallocate()
  }

  // MARK: Starting

  /// Attempts the operation, or puts it behind those who wait for the same direction.
  ///
  /// - Returns: True if it finished.
  func start(_ operation: KernelOperation.Reference) -> Bool {
    let kind = operation.pointer.pointee.kind
    let descriptor = kind.descriptor
    guard descriptor >= 0, let direction = kind.direction else {
      operation.pointer.pointee.result = -Int(EBADF)
      return true
    }
    let entry = entry(descriptor)
    let waiters = Self.waiters(entry, direction)
    // One that may not wait has no later chance: the edge that sets it free may have happened, and
    // lie in the kernel until the next wait.
    let isBlocked = waiters.pointee.isBlocked && operation.pointer.pointee.mayWait
    if waiters.pointee.operations.isEmpty, !isBlocked, attempt(operation, entry, waiters) {
      return true
    }
    guard operation.pointer.pointee.mayWait else {
      operation.pointer.pointee.result = -Int(EAGAIN)
      return true
    }
    if !entry.pointee.isRegistered {
      if let error = register(descriptor, entry) {
        // No edge will come: the next one to ask is to be attempted.
        waiters.pointee.isBlocked = false
        operation.pointer.pointee.result = error
        return true
      }
    }
    waiters.pointee.operations.append(operation)
    return false
  }

  /// Makes the call.
  ///
  /// - Returns: False if the kernel is not ready.
  private func attempt(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<Entry>,
    _ waiters: UnsafeMutablePointer<Waiters>
  ) -> Bool {
    guard let result = operation.attemptOrContinue() else {
      // Not on the word of one that does not wait: there may be no registration, and so no edge to
      // set it free.
      if operation.pointer.pointee.mayWait { waiters.pointee.isBlocked = true }
      return false
    }
    operation.pointer.pointee.result = result
    if case .receive(_, let buffer, flags: 0) = operation.pointer.pointee.kind,
      result > 0, result < buffer.count, operation.pointer.pointee.traits.contains(.tcp),
      entry.pointee.isRegistered, !entry.pointee.mayStopShort
    {
      waiters.pointee.isBlocked = true
    }
    return true
  }

  /// EPERM is what epoll says of a regular file, which comes here only if it was not ready: trying
  /// it again and again would hold everybody up.
  ///
  /// - Returns: nil, or a negated errno value.
  private func register(_ descriptor: CInt, _ entry: UnsafeMutablePointer<Entry>) -> Int? {
    let events =
      EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLPRI.rawValue | EPOLLRDHUP.rawValue
      | EPOLLET.rawValue
    let tag = UInt64(entry.pointee.generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
    guard coro_epoll_add(epoll, descriptor, events, tag) == 0 else { return -Int(errno) }
    entry.pointee.isRegistered = true
    return nil
  }

  // MARK: Edges

  /// Attempts again who waited for what `events` tells.
  func edge(_ tag: UInt64, events: UInt32, completed: inout OperationList) {
    let descriptor = Int(UInt32(truncatingIfNeeded: tag))
    guard descriptor < storage.pointee.count, let start = storage.pointee.baseAddress else {
      return
    }
    let entry = start + descriptor
    guard entry.pointee.generation == UInt32(tag >> 32) else { return }
    let hangUp = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
    if events & (hangUp | EPOLLPRI.rawValue) != 0 { entry.pointee.mayStopShort = true }
    if events & (EPOLLIN.rawValue | hangUp) != 0 {
      advance(entry, Self.waiters(entry, .reading), &completed)
    }
    if events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
      advance(entry, Self.waiters(entry, .writing), &completed)
    }
  }

  private func advance(
    _ entry: UnsafeMutablePointer<Entry>, _ waiters: UnsafeMutablePointer<Waiters>,
    _ completed: inout OperationList
  ) {
    waiters.pointee.isBlocked = false
    while let operation = waiters.pointee.operations.first, !waiters.pointee.isBlocked {
      guard attempt(operation, entry, waiters) else { return }
      waiters.pointee.operations.remove(operation)
      completed.append(operation)
    }
  }

  // MARK: Leaving

  /// Takes an operation out that waits.
  func remove(_ operation: KernelOperation.Reference) {
    let kind = operation.pointer.pointee.kind
    guard let direction = kind.direction else { return }
    Self.waiters(entry(kind.descriptor), direction).pointee.operations.remove(operation)
  }

  /// Forgets a descriptor whose number is about to be somebody else's.
  ///
  /// Nobody waits on it.
  func forget(_ descriptor: CInt) {
    guard descriptor >= 0, Int(descriptor) < storage.pointee.count else { return }
    let entry = entry(descriptor)
    if entry.pointee.isRegistered { _ = coro_epoll_delete(epoll, descriptor) }
    let generation = entry.pointee.generation &+ 1
    entry.pointee = Entry()
    entry.pointee.generation = generation
  }

  // MARK: Memory

  private func entry(_ descriptor: CInt) -> UnsafeMutablePointer<Entry> {
    if Int(descriptor) >= storage.pointee.count { grow(toHold: Int(descriptor)) }
    guard let start = storage.pointee.baseAddress else { fatalError("The table has no memory.") }
    return start + Int(descriptor)
  }

  private static func waiters(
    _ entry: UnsafeMutablePointer<Entry>, _ direction: KernelOperation.Direction
  ) -> UnsafeMutablePointer<Waiters> {
    switch direction {
    case .reading: withUnsafeMutablePointer(to: &entry.pointee.reading) { $0 }
    case .writing: withUnsafeMutablePointer(to: &entry.pointee.writing) { $0 }
    }
  }

  private func grow(toHold descriptor: Int) {
    let old = storage.pointee
    let new = UnsafeMutableBufferPointer<Entry>.allocate(
      capacity: max(64, descriptor + 1, old.count * 2))
    if let source = old.baseAddress, let target = new.baseAddress {
      target.moveInitialize(from: source, count: old.count)
    }
    new[old.count...].initialize(repeating: Entry())
    old.deallocate()
    storage.pointee = new
  }
}
