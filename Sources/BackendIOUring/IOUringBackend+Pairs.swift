#if IOUring
  import CLinux
  import CoroutineAPI
  import Glibc

  // Pipes of which the loop has both ends
  //
  // To have the ring wait for what another coroutine is going to write costs more than to be told
  // by that one. So who reads from a pipe that the loop has read empty, as far as it knows, is put
  // in line, and the ring is not asked; who writes does so by a call, and lets the reader attempt.
  //
  // Others may have the ends as well, and write. So before the loop waits, and whenever it looks
  // for news, the ring gets whoever was put in line so. And once more has come than the loop has
  // written, the ring gets all who read, at once.

  extension IOUringBackend {
    /// As `start`, for such a pipe.
    ///
    /// - Returns: nil if the ring is to do it, and nothing was done.
    func startPaired(_ operation: KernelOperation.Reference) -> Bool? {
      guard lines.isEmpty(for: operation) else { return nil }
      switch operation.pointer.pointee.kind {
      case .read(let descriptor, _):
        if lines.isPolled(descriptor) { return nil }
        if let entry = lines.existingEntry(descriptor) {
          if entry.pointee.hasStrangers { return nil }
          if entry.pointee.unread > 0, attemptPaired(operation) { return true }
          entry.pointee.unread = 0
        }
        postpone(operation, descriptor)
        return false
      case .write:
        if lines.isPolled(operation.pointer.pointee.peer) {
          // Who waits for readiness has to see it before it is taken: that is for the ring to tell.
          submitPostponed(&early.pointee)
          return nil
        }
        return attemptPaired(operation) ? true : nil
      default:
        return nil
      }
    }

    /// - Returns: Whether it finished.
    private func attemptPaired(_ operation: KernelOperation.Reference) -> Bool {
      let result = operation.attempt()
      if result == -Int(EAGAIN) { return false }
      operation.pointer.pointee.result = result
      if result == -Int(EBADF) { strandEarlyIfClosed(operation) }
      noteMoved(operation)
      return true
    }

    private func postpone(_ operation: KernelOperation.Reference, _ descriptor: CInt) {
      _ = lines.append(operation)
      operation.place = .line
      guard let entry = lines.existingEntry(descriptor), !entry.pointee.isPostponed else { return }
      if entry.pointee.inode == 0 { entry.pointee.inode = coro_inode(descriptor) }
      entry.pointee.isPostponed = true
      postponed.append(descriptor)
    }

    /// Whether somebody was put in line so, and the number still means his pipe; if not, everybody
    /// who waits on it is told.
    func isPostponedPipe(_ descriptor: CInt) -> Bool {
      guard let entry = lines.existingEntry(descriptor), entry.pointee.isPostponed,
        entry.pointee.reading.first?.place == .line
      else { return false }
      if coro_inode(descriptor) != entry.pointee.inode { strandEarly(descriptor) }
      return true
    }

    /// Hands the ring those who were put in line without it.
    @inline(never)
    func submitPostponed(_ completed: inout OperationList) {
      for index in postponed.indices {
        // The number may be another file's by now: then it is no longer marked.
        guard let entry = lines.existingEntry(postponed[index]), entry.pointee.isPostponed else {
          continue
        }
        entry.pointee.isPostponed = false
        guard let first = entry.pointee.reading.first, first.place == .line else { continue }
        first.place = .ring
        if submit(first) { report(first, first.pointer.pointee.result, &completed) }
      }
      postponed.removeAll(keepingCapacity: true)
    }

    /// Notes what an operation on such a pipe has moved, and lets its reader have what was written.
    func noteMoved(_ operation: KernelOperation.Reference) {
      let count = operation.pointer.pointee.result
      guard count > 0 else { return }
      switch operation.pointer.pointee.kind {
      case .read(let descriptor, _):
        guard let entry = lines.existingEntry(descriptor) else { return }
        if count > entry.pointee.unread { entry.pointee.hasStrangers = true }
        entry.pointee.unread = max(0, entry.pointee.unread - count)
      case .write:
        guard let entry = lines.existingEntry(operation.pointer.pointee.peer) else { return }
        entry.pointee.unread += count
        serveReaders(entry)
      default:
        return
      }
    }

    /// Lets those attempt who wait to read, and whom the ring has not.
    private func serveReaders(_ entry: UnsafeMutablePointer<WaitingLines.Entry>) {
      while entry.pointee.isPostponed, let reader = entry.pointee.reading.first,
        reader.place == .line
      {
        let result = reader.attempt()
        if result == -Int(EAGAIN) { return }
        reader.pointer.pointee.result = result
        if let next = lines.remove(reader) { next.place = .line }
        reader.place = .finished
        early.pointee.append(reader)
        noteMoved(reader)
        if result == -Int(EBADF) { return strandEarlyIfClosed(reader) }
      }
    }
  }
#endif
