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
// 1. Attempt first. An operation is attempted unless its direction is known to be blocked, others
//    wait for the same direction (first come, first served), its call was made just now, it reads
//    from a pipe that is known to be empty (`WaiterTable+Pairs.swift`), or it is the first to
//    receive from a connection that was accepted: hardly anything has come yet.
// 2. Only EAGAIN says "blocked", and for TCP a short read: it emptied the socket, and the next byte
//    makes an edge. That is not so for other types (a Unix socket stops short at ancillary data),
//    nor once the peer has hung up (the end of the stream has had its edge) or has sent urgent data
//    (a read stops short at its mark).
// 3. The first attempt that fails comes BEFORE the descriptor is added. If it became ready in
//    between, or was so and nobody tried, adding reports it: EPOLL_CTL_ADD delivers the state as a
//    first edge.
// 4. An edge sets the direction free and attempts the waiting, in order, until one finds EAGAIN.
//
// 5. Who waits for readiness (`poll`) takes nothing away, and stands in no line: there are any
//    number of them, each asks poll(2) first, and an edge, whatever it tells, makes them ask again,
//    before those who read and write. Their asking says nothing of "blocked".
// 6. Who gives up leaves his direction free: the next one asks the kernel, and so learns if the
//    number was closed meanwhile.
//
// Numbers are reused. An event carries the generation of its descriptor's registration, and an
// event of an earlier one, which lay in the same batch when the number was closed, is dropped. A
// registration belongs to the open file and not to the number: with a duplicate open elsewhere it
// would outlive close(2), so it is deleted first.
//
// Numbers are also closed behind our back, and then the kernel drops the registration and says
// nothing. So whoever begins to use a number is introduced, and EPOLL_CTL_MOD tells: it succeeds if
// it is an open file that is registered under the number; else it is another one, and everybody who
// waits for the former is told EBADF.

/// What is known of each descriptor, indexed by its number.
final class WaiterTable {
  typealias Entry = WaiterEntry
  typealias Waiters = WaiterEntry.Waiters

  private static let events =
    EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLPRI.rawValue | EPOLLRDHUP.rawValue
    | EPOLLET.rawValue

  private let epoll: CInt
  /// Operations that ended without an edge, to be reported next.
  let early: UnsafeMutablePointer<OperationList>
  let newcomers: UnsafeMutablePointer<Newcomers>
  /// The numbers whose entries say `isPostponed`, and some that do not any more.
  @exclusivity(unchecked) var postponed: [CInt] = []
  /// Somebody has written to one who waited, since it was last seen to.
  @exclusivity(unchecked) var handsOver = false
  // Raw memory, so that an entry is reached without an exclusivity check or a count.
  @exclusivity(unchecked) private var entries: UnsafeMutablePointer<Entry>
  @exclusivity(unchecked) private var entryCount: UInt32

  init(epoll: CInt) {
    self.epoll = epoll
    early = .allocate(capacity: 1)
    early.initialize(to: OperationList())
    newcomers = .allocate(capacity: 1)
    newcomers.initialize(to: Newcomers())
    entryCount = 64
    entries = .allocate(capacity: 64)
    entries.initialize(repeating: Entry(), count: 64)
  }

  func deallocate() {
    entries.deallocate()
    early.deallocate()
    newcomers.deallocate()
  }

  // MARK: Starting

  /// Attempts the operation, or puts it behind those who wait for the same direction.
  ///
  /// - Returns: True if it finished.
  func start(_ operation: KernelOperation.Reference) -> Bool {
    let descriptor = operation.pointer.pointee.descriptor
    guard descriptor >= 0, let direction = operation.pointer.pointee.direction else {
      operation.pointer.pointee.result = -Int(EBADF)
      return true
    }
    let entry = entry(descriptor)
    if operation.pointer.pointee.peer >= 0, postpones(operation, entry) { return false }
    let waiters = Self.waiters(entry, direction)
    if operation.pointer.pointee.hints.contains(.wasTried) { waiters.pointee.isBlocked = true }
    // One that may not wait has no later chance: the edge that sets it free may have happened, and
    // lie in the kernel until the next wait.
    let isBlocked = waiters.pointee.isBlocked && operation.pointer.pointee.mayWait
    if waiters.pointee.operations.isEmpty, !isBlocked, attempt(operation, entry, waiters) {
      abandonIfClosed(operation, entry)
      return true
    }
    if operation.pointer.pointee.peer >= 0, !isBlocked, postponesInVain(operation, entry) {
      return false
    }
    return putInLine(operation, entry, waiters)
  }

  /// - Returns: True if it can't or may not wait.
  func putInLine(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<Entry>,
    _ waiters: UnsafeMutablePointer<Waiters>
  ) -> Bool {
    guard operation.pointer.pointee.mayWait else {
      operation.pointer.pointee.result = -Int(EAGAIN)
      return true
    }
    let descriptor = operation.pointer.pointee.descriptor
    if !entry.pointee.isRegistered, let error = register(descriptor, entry) {
      // No edge will come: the next one to ask is to be attempted.
      waiters.pointee.isBlocked = false
      operation.pointer.pointee.result = error
      return true
    }
    noteNewcomer(descriptor, entry)
    waiters.pointee.operations.append(operation)
    return false
  }

  /// As `putInLine`, for those who are in the line of who reads already.
  func registerWaiting(
    _ descriptor: CInt, _ entry: UnsafeMutablePointer<Entry>, _ completed: inout Completions
  ) {
    if entry.pointee.reading.operations.isEmpty { return }
    if !entry.pointee.isRegistered, let error = register(descriptor, entry) {
      entry.pointee.reading.isBlocked = false
      while let operation = entry.pointee.reading.operations.popFirst() {
        operation.pointer.pointee.result = error
        completed.append(operation)
      }
    } else {
      noteNewcomer(descriptor, entry)
    }
  }

  /// Asks for readiness, or puts the operation to those who wait to hear of it.
  ///
  /// - Returns: True if it finished.
  func startPolling(_ operation: KernelOperation.Reference) -> Bool {
    let descriptor = operation.pointer.pointee.descriptor
    // First, because the table has no room for a number that nobody has.
    let result = operation.attempt()
    operation.pointer.pointee.result = result
    guard result == -Int(EAGAIN), operation.pointer.pointee.mayWait else {
      if let entry = existingEntry(descriptor) { abandonIfClosed(operation, entry) }
      return true
    }
    let entry = entry(descriptor)
    if !entry.pointee.isRegistered, let error = register(descriptor, entry) {
      // A file is readable and writable at once, so it is something else that would never come.
      operation.pointer.pointee.result = error == -Int(EPERM) ? -Int(EINVAL) : error
      return true
    }
    noteNewcomer(descriptor, entry)
    entry.pointee.polling.append(operation)
    return false
  }

  /// Makes the call.
  ///
  /// - Returns: False if the kernel is not ready.
  func attempt(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<Entry>,
    _ waiters: UnsafeMutablePointer<Waiters>
  ) -> Bool {
    guard let result = operation.attemptOrContinue() else {
      // Not on the word of one that does not wait: there may be no registration, and so no edge to
      // set it free.
      if operation.pointer.pointee.mayWait { waiters.pointee.isBlocked = true }
      if operation.pointer.pointee.peer >= 0 { noteEmpty(operation, entry) }
      return false
    }
    operation.pointer.pointee.result = result
    if operation.pointer.pointee.peer >= 0 { noteMoved(operation, entry, result) }
    if case .receive(_, let buffer, let flags) = operation.pointer.pointee.kind,
      hasEmptied(operation, entry, result, buffer.count, flags)
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
    let tag = Self.tag(descriptor, generation: entry.pointee.generation)
    if coro_epoll_add(epoll, descriptor, Self.events, tag) != 0 {
      let reason = errno
      guard reason == EEXIST, isStillRegistered(descriptor, entry) else { return -Int(reason) }
    }
    entry.pointee.isRegistered = true
    return nil
  }

  private static func tag(_ descriptor: CInt, generation: UInt32) -> UInt64 {
    UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
  }

  // MARK: Leaving

  /// Takes an operation out that waits, to be reported next.
  func cancel(_ operation: KernelOperation.Reference) {
    if operation.pointer.pointee.backendWord == Word.early { return }
    let entry = entry(operation.pointer.pointee.descriptor)
    if let direction = operation.pointer.pointee.direction {
      let waiters = Self.waiters(entry, direction)
      let wasFirst = waiters.pointee.operations.first == operation
      waiters.pointee.operations.remove(operation)
      // What was there all the time is not to be missed for want of a look.
      let result =
        operation.pointer.pointee.backendWord == Word.untried ? operation.attempt() : -1
      finishEarly(operation, result >= 0 ? result : -Int(ECANCELED))
      waiters.pointee.isBlocked = false
      // What was no good for the first one may do for the next.
      if wasFirst { advanceEarly(entry, waiters) }
    } else {
      entry.pointee.polling.remove(operation)
      finishEarly(operation, -Int(ECANCELED))
    }
  }

  func advanceEarly(
    _ entry: UnsafeMutablePointer<Entry>, _ waiters: UnsafeMutablePointer<Waiters>
  ) {
    while let next = waiters.pointee.operations.first, attempt(next, entry, waiters) {
      waiters.pointee.operations.remove(next)
      finishEarly(next, next.pointer.pointee.result)
      abandonIfClosed(next, entry)
    }
  }

  /// To be reported next.
  func finishEarly(_ operation: KernelOperation.Reference, _ result: Int) {
    operation.pointer.pointee.result = result
    operation.pointer.pointee.backendWord = Word.early
    early.pointee.append(operation)
  }

  /// Forgets a descriptor that is about to be used without us, unless somebody still waits on it
  /// with us.
  func forget(_ descriptor: CInt) {
    guard let entry = existingEntry(descriptor), !entry.pointee.isInUse else { return }
    if entry.pointee.isRegistered { _ = coro_epoll_delete(epoll, descriptor) }
    reset(entry)
  }

  /// Forgets a descriptor whose number is about to be somebody else's.
  func close(_ descriptor: CInt) {
    guard let entry = existingEntry(descriptor) else { return }
    if entry.pointee.isRegistered { _ = coro_epoll_delete(epoll, descriptor) }
    abandon(entry)
  }

  /// Forgets what was known of a number, if it is another open file's by now.
  func introduce(_ descriptor: CInt) {
    guard let entry = existingEntry(descriptor) else { return }
    guard entry.pointee.isRegistered else {
      // Nobody waits without a registration, but for those.
      return isPostponedPipe(descriptor, entry) ? () : abandon(entry)
    }
    if isStillRegistered(descriptor, entry) {
      if entry.pointee.isReplaced { failEveryone(entry) }
      return
    }
    abandon(entry)
    _ = register(descriptor, entry)
  }

  @inline(__always)
  func noteNewcomer(_ descriptor: CInt, _ entry: UnsafeMutablePointer<Entry>) {
    newcomers.pointee.note(descriptor)
    // Whoever waits from here on waits for what has the number now.
    if entry.pointee.isReplaced, !entry.pointee.isInUse { entry.pointee.isReplaced = false }
  }

  /// Looks whether the kernel will tell of those who began to wait lately.
  func checkNewcomers() {
    newcomers.pointee.check { descriptor in
      guard let entry = existingEntry(descriptor), entry.pointee.isRegistered,
        entry.pointee.isInUse, !isStillRegistered(descriptor, entry)
      else { return }
      entry.pointee.generation &+= 1
      if register(descriptor, entry) == nil {
        // dup2 gave the number to another file, whose first edge follows.
        entry.pointee.isReplaced = true
      } else {
        abandon(entry)
      }
    }
  }

  /// Whether the open file that the number means is registered under it.
  ///
  /// It may be an earlier registration that outlived the number, because the file has duplicates:
  /// so it is given the present generation, and tells its state again.
  private func isStillRegistered(
    _ descriptor: CInt, _ entry: UnsafeMutablePointer<Entry>
  ) -> Bool {
    let tag = Self.tag(descriptor, generation: entry.pointee.generation)
    return coro_epoll_modify(epoll, descriptor, Self.events, tag) == 0
  }

  /// After an operation, whose EBADF is also how a descriptor refuses the wrong direction.
  @discardableResult @inline(__always)
  func abandonIfClosed(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<Entry>
  ) -> Bool {
    operation.pointer.pointee.result == -Int(EBADF)
      && abandonIfClosed(operation.pointer.pointee.descriptor, entry)
  }

  /// After an EBADF, however it was told.
  @discardableResult @inline(never)
  func abandonIfClosed(_ descriptor: CInt, _ entry: UnsafeMutablePointer<Entry>) -> Bool {
    guard coro_is_open(descriptor) == 0 else { return false }
    abandon(entry)
    return true
  }

  /// Tells everyone who waits that there is no such descriptor any more.
  @inline(never)
  func abandon(_ entry: UnsafeMutablePointer<Entry>) {
    failEveryone(entry)
    reset(entry)
  }

  /// See `abandon`; the registration stays.
  private func failEveryone(_ entry: UnsafeMutablePointer<Entry>) {
    fail(&entry.pointee.reading.operations)
    fail(&entry.pointee.writing.operations)
    fail(&entry.pointee.polling)
    entry.pointee.reading.isBlocked = false
    entry.pointee.writing.isBlocked = false
    entry.pointee.isReplaced = false
  }

  private func fail(_ operations: inout OperationList) {
    while let operation = operations.popFirst() { finishEarly(operation, -Int(EBADF)) }
  }

  private func reset(_ entry: UnsafeMutablePointer<Entry>) {
    let generation = entry.pointee.generation &+ 1
    entry.pointee = Entry()
    entry.pointee.generation = generation
  }

  // MARK: Memory

  /// nil: nothing is known of the descriptor.
  @inline(__always)
  func existingEntry(_ descriptor: CInt) -> UnsafeMutablePointer<Entry>? {
    // A negative one is beyond all others.
    let index = UInt32(bitPattern: descriptor)
    return index < entryCount ? entries + Int(index) : nil
  }

  private func entry(_ descriptor: CInt) -> UnsafeMutablePointer<Entry> {
    if UInt32(bitPattern: descriptor) >= entryCount { grow(toHold: descriptor) }
    return entries + Int(descriptor)
  }

  static func waiters(
    _ entry: UnsafeMutablePointer<Entry>, _ direction: KernelOperation.Direction
  ) -> UnsafeMutablePointer<Waiters> {
    switch direction {
    case .reading: withUnsafeMutablePointer(to: &entry.pointee.reading) { $0 }
    case .writing: withUnsafeMutablePointer(to: &entry.pointee.writing) { $0 }
    }
  }

  private func grow(toHold descriptor: CInt) {
    precondition(descriptor >= 0, "Nobody waits on a descriptor that is none.")
    let count = max(Int(descriptor) + 1, Int(entryCount) * 2)
    let new = UnsafeMutablePointer<Entry>.allocate(capacity: count)
    new.moveInitialize(from: entries, count: Int(entryCount))
    (new + Int(entryCount)).initialize(repeating: Entry(), count: count - Int(entryCount))
    entries.deallocate()
    entries = new
    entryCount = UInt32(count)
  }
}
