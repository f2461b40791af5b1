import CLinux
import CoroutineAPI
import Glibc

// Pipes of which the loop has both ends
//
// To ask the kernel for what another coroutine is going to write would be in vain, and so would be
// to be told of it by the kernel when it is written. So who reads from a pipe that is known to be
// empty is put in line unasked, and who writes has him attempt. Empty it is known to be by a read
// that found nothing, or by as many bytes read as the loop has written since.
//
// Others may have the ends as well, and write. So whenever the kernel is asked for news, whoever
// was put in line so is attempted first; who is still in vain then waits for an edge. And once more
// has come than the loop has written, all who read are attempted at once again: what a child
// process writes is not to be waited for if it is there.
//
// Who waits so has no registration by which his pipe could be told from another file that gets its
// number. So the pipe's identity is noted when he is put in line, and compared before anything is
// read for him.
//
// What nobody else can have (`.privatePipe`) is read and written by calls that would wait, where
// what was counted says that they can't: there are bytes, or it is empty and has room for a page.
// So a count that may be wrong has to become nil.

extension WaiterTable {
  // MARK: The short ways

  /// As `start`, for who reads from such a pipe.
  func startReading(
    _ operation: KernelOperation.Reference, _ descriptor: CInt,
    _ buffer: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard operation.pointer.pointee.mayWait, let entry = existingEntry(descriptor),
      entry.pointee.reading.isFree, let unread = entry.pointee.unread
    else { return start(operation) }
    if unread == 0 {
      guard entry.pointee.isPostponed, !entry.pointee.isReplaced else { return start(operation) }
      entry.pointee.reading.operations = OperationList(operation)
      return false
    }
    guard operation.pointer.pointee.hints.contains(.privatePipe),
      let result = operation.readPlainly(descriptor, buffer)
    else { return start(operation) }
    operation.pointer.pointee.result = result
    if result > 0 { noteRead(entry, result) } else { abandonIfClosed(operation, entry) }
    return true
  }

  /// As `start`, for who writes to such a pipe.
  func startWriting(
    _ operation: KernelOperation.Reference, _ descriptor: CInt, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    guard let entry = existingEntry(descriptor), entry.pointee.writing.isFree,
      let reader = existingEntry(operation.pointer.pointee.peer),
      let unread = reader.pointee.unread, isPipe(entry, of: reader)
    else { return start(operation) }
    let isPrivate = operation.pointer.pointee.hints.contains(.privatePipe)
    let result: Int?
    if isPrivate, unread == 0, bytes.count <= 4096 {
      // An empty pipe has room for a page.
      result = operation.writePlainly(descriptor, bytes)
    } else {
      result = coro_write_nowait(descriptor, bytes.baseAddress, bytes.count)
    }
    guard let result, result > 0 else { return startWritingFailed(operation, entry, result) }
    operation.pointer.pointee.result = result
    reader.pointee.unread = unread + result
    serve(reader, isPrivate: isPrivate)
    return true
  }

  @inline(never)
  private func startWritingFailed(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<WaiterEntry>,
    _ result: Int?
  ) -> Bool {
    switch result {
    case -Int(EAGAIN):
      if operation.pointer.pointee.mayWait { entry.pointee.writing.isBlocked = true }
      return putInLine(operation, entry, Self.waiters(entry, .writing))
    case nil, -Int(EINTR), -Int(EOPNOTSUPP):
      return start(operation)
    case let result?:
      operation.pointer.pointee.result = result
      abandonIfClosed(operation, entry)
      return true
    }
  }

  // MARK: Waiting

  /// Puts the operation in line unasked, if it reads from such a pipe.
  func postpones(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<WaiterEntry>
  ) -> Bool {
    guard entry.pointee.reading.isFree else { return false }
    return postponesInVain(operation, entry)
  }

  /// As `postpones`, after an attempt in vain.
  func postponesInVain(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<WaiterEntry>
  ) -> Bool {
    guard case .read(let descriptor, _) = operation.pointer.pointee.kind,
      operation.pointer.pointee.mayWait, entry.pointee.unread == 0,
      entry.pointee.reading.operations.isEmpty
    else { return false }
    entry.pointee.reading.isBlocked = false
    if entry.pointee.isReplaced, !entry.pointee.isInUse { entry.pointee.isReplaced = false }
    entry.pointee.reading.operations.append(operation)
    if !entry.pointee.isPostponed {
      entry.pointee.isPostponed = true
      entry.pointee.pipe = coro_pipe_identity(descriptor)
      postponed.append(descriptor)
    }
    return true
  }

  /// Whether the number still means the pipe of those who were put in line unasked.
  func isPostponedPipe(_ descriptor: CInt, _ entry: UnsafeMutablePointer<WaiterEntry>) -> Bool {
    entry.pointee.isPostponed && coro_is_same_pipe(descriptor, entry.pointee.pipe) != 0
  }

  /// Attempts those who were put in line unasked.
  ///
  /// - Parameter staysInLine: Whether who is still in vain stays so, because the loop does not
  ///   block now, and will ask again soon; if they are few. Else he waits for an edge.
  @inline(never)
  func attemptPostponed(_ completed: inout Completions, staysInLine: Bool) {
    let staysInLine = staysInLine && postponed.count <= 4
    var staying = 0
    for index in postponed.indices {
      let descriptor = postponed[index]
      // Its number may be another file's by now: then it is no longer marked, or not the same.
      guard let entry = existingEntry(descriptor), entry.pointee.isPostponed else { continue }
      guard isPostponedPipe(descriptor, entry) else {
        abandon(entry)
        completed.append(contentsOf: &early.pointee)
        continue
      }
      // Who waits for readiness has to see it before it is taken.
      if !entry.pointee.polling.isEmpty { askAgain(entry, 0, &completed) }
      advance(entry, Self.waiters(entry, .reading), &completed)
      if staysInLine, !entry.pointee.reading.operations.isEmpty {
        entry.pointee.reading.isBlocked = false
        postponed[staying] = descriptor
        staying += 1
      } else {
        entry.pointee.isPostponed = false
        registerWaiting(descriptor, entry, &completed)
      }
    }
    handsOver = false
    postponed.removeLast(postponed.count - staying)
  }

  /// Notes that a read has found nothing.
  @inline(never)
  func noteEmpty(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<WaiterEntry>
  ) {
    guard case .read = operation.pointer.pointee.kind, !entry.pointee.hasStrangers else { return }
    entry.pointee.unread = 0
  }

  /// Notes what an operation on such a pipe has moved, and lets its reader have what was written.
  @inline(never)
  func noteMoved(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<WaiterEntry>, _ count: Int
  ) {
    guard count > 0 else { return }
    switch operation.pointer.pointee.kind {
    case .read:
      noteRead(entry, count)
    case .write(let descriptor, _):
      handOver(from: descriptor, entry, to: operation.pointer.pointee.peer, count)
    default:
      return
    }
  }

  private func noteRead(_ entry: UnsafeMutablePointer<WaiterEntry>, _ count: Int) {
    guard let unread = entry.pointee.unread else { return }
    // Strangers write, too: from now on nothing is known of it.
    entry.pointee.unread = count > unread ? nil : unread - count
    if count > unread { entry.pointee.hasStrangers = true }
  }

  private func handOver(
    from descriptor: CInt, _ entry: UnsafeMutablePointer<WaiterEntry>, to peer: CInt, _ count: Int
  ) {
    guard let reader = existingEntry(peer), let unread = reader.pointee.unread else { return }
    if entry.pointee.pipe == 0 { entry.pointee.pipe = coro_pipe_identity(descriptor) }
    guard isPipe(entry, of: reader) else {
      // What is not counted is not known.
      reader.pointee.unread = nil
      return
    }
    reader.pointee.unread = unread + count
    serve(reader, isPrivate: false)
  }

  /// Whether both are ends of one pipe: the number may be another file's, whose reader has not been
  /// introduced yet.
  private func isPipe(
    _ entry: UnsafeMutablePointer<WaiterEntry>, of reader: UnsafeMutablePointer<WaiterEntry>
  ) -> Bool {
    entry.pointee.pipe != 0 && entry.pointee.pipe == reader.pointee.pipe
  }

  /// Lets have who waits to read, and has been written to.
  private func serve(_ reader: UnsafeMutablePointer<WaiterEntry>, isPrivate: Bool) {
    // Who waits for readiness has to see it before it is taken, and hears of it from `wait`.
    guard let first = reader.pointee.reading.operations.first, reader.pointee.polling.isEmpty
    else { return }
    reader.pointee.reading.isBlocked = false
    handsOver = true
    if isPrivate, first.pointer.pointee.next == nil,
      case .read(let descriptor, let buffer) = first.pointer.pointee.kind,
      let result = first.readPlainly(descriptor, buffer)
    {
      if result > 0 { noteRead(reader, result) }
      reader.pointee.reading.operations = OperationList()
      finishEarly(first, result)
      abandonIfClosed(first, reader)
      return
    }
    advanceEarly(reader, Self.waiters(reader, .reading))
  }
}
