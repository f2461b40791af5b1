#if IOUring
  import CLinux
  import CoroutineAPI
  import Glibc

  // Pipes of which the loop has both ends
  //
  // To have the ring wait for what another coroutine is going to write costs more than to be told
  // by that one. So who reads from a pipe that is known to be empty is put in line, and the ring is
  // not asked; who writes does so by a call, and lets the reader attempt. Empty it is known to be
  // by a read that found nothing, or by as many bytes read as the loop has written since.
  //
  // Others may have the ends as well, and write. So whenever the kernel is asked for news, whoever
  // was put in line so is attempted, or the ring gets him. And once more has come than the loop has
  // written, it gets all who read, at once.
  //
  // Who waits so would be the ring's under his number, whatever that means by then. So the pipe's
  // identity is noted when he is put in line, and compared before the ring gets him.
  //
  // What nobody else can have (`.privatePipe`) is read and written by calls that would wait, where
  // what was counted says that they can't: there are bytes, or it is empty and has room for a page.
  // So a count that may be wrong has to become nil.
  //
  // Nothing here is done to `early` while completions are worked on: that may be the list that they
  // go to. What finishes goes to the list that is passed on.

  extension IOUringBackend {
    /// As `start`, for such a pipe.
    ///
    /// - Returns: nil if the ring is to do it, and nothing was done.
    func startPaired(_ operation: KernelOperation.Reference) -> Bool? {
      guard lines.isEmpty(for: operation) else { return nil }
      let isPrivate = operation.pointer.pointee.hints.contains(.privatePipe)
      switch operation.pointer.pointee.kind {
      case .read(let descriptor, let buffer):
        guard let entry = lines.existingEntry(descriptor), !entry.pointee.hasStrangers,
          entry.pointee.polling.isEmpty
        else { return nil }
        if let unread = entry.pointee.unread, unread > 0, isPrivate,
          let result = operation.readPlainly(descriptor, buffer)
        {
          operation.pointer.pointee.result = result
          if result > 0 { noteRead(entry, result) }
          if result == -Int(EBADF) { strandEarlyIfClosed(operation) }
          return true
        }
        if entry.pointee.unread != 0 {
          if attemptPaired(operation) { return true }
          guard lines.firstWriter(operation.pointer.pointee.peer) == nil else {
            // What he has written, and others have read, may be heard of after this.
            entry.pointee.unread = nil
            return nil
          }
          entry.pointee.unread = 0
        }
        postpone(operation, descriptor)
        return false
      case .write(let descriptor, let bytes):
        if isPrivate, writePrivate(operation, descriptor, bytes) { return true }
        if lines.isPolled(operation.pointer.pointee.peer) {
          // Who waits for readiness has to see it before it is taken: that is for the ring to tell.
          var completed = Completions()
          submitPostponed(&completed)
          early.pointee.append(contentsOf: &completed)
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
      noteMovedEarly(operation)
      return true
    }

    /// Writes without waiting to an empty pipe, which has room for a page.
    ///
    /// - Returns: Whether it was so, and finished.
    private func writePrivate(
      _ operation: KernelOperation.Reference, _ descriptor: CInt, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
      guard bytes.count <= 4096, let entry = lines.existingEntry(descriptor),
        let reader = lines.existingEntry(operation.pointer.pointee.peer),
        reader.pointee.unread == 0, reader.pointee.polling.isEmpty, isPipe(entry, of: reader),
        let result = operation.writePlainly(descriptor, bytes)
      else { return false }
      operation.pointer.pointee.result = result
      if result > 0 {
        reader.pointee.unread = result
        servePrivate(reader)
      } else if result == -Int(EBADF) {
        strandEarlyIfClosed(operation)
      }
      return true
    }

    /// As `serve`, where a plain call is enough, and no completions are worked on.
    private func servePrivate(_ reader: UnsafeMutablePointer<WaitingLines.Entry>) {
      handsOver = true
      if hasShortWay, reader.pointee.isPostponed, let first = reader.pointee.reading.first,
        first.place == .line, first.pointer.pointee.next == nil,
        case .read(let descriptor, let buffer) = first.pointer.pointee.kind,
        let result = first.readPlainly(descriptor, buffer)
      {
        if result > 0 { noteRead(reader, result) }
        first.pointer.pointee.result = result
        lines.removeOnly(first)
        first.place = .finished
        early.pointee.append(first)
        if result == -Int(EBADF) { strandEarlyIfClosed(first) }
        return
      }
      serve(reader, &early.pointee)
    }

    private func postpone(_ operation: KernelOperation.Reference, _ descriptor: CInt) {
      _ = lines.append(operation)
      operation.place = .line
      guard let entry = lines.existingEntry(descriptor), !entry.pointee.isPostponed else { return }
      entry.pointee.isPostponed = true
      entry.pointee.pipe = coro_pipe_identity(descriptor)
      postponed.append(descriptor)
    }

    /// Whether somebody was put in line so, and the number still means his pipe; if not, everybody
    /// who waits on it is told.
    func isPostponedPipe(_ descriptor: CInt) -> Bool {
      guard let entry = lines.existingEntry(descriptor), entry.pointee.isPostponed,
        entry.pointee.reading.first?.place == .line
      else { return false }
      if coro_is_same_pipe(descriptor, entry.pointee.pipe) == 0 { strandEarly(descriptor) }
      return true
    }

    /// Asks the kernel for those who were put in line without the ring.
    ///
    /// Where somebody can run, and may write to them, they are attempted, and stay where they are,
    /// if they are few. Else the ring gets them.
    @inline(never)
    func askForPostponed(_ limit: WaitLimit, _ completed: inout Completions) {
      let stay = limit == .poll ? handsOver : hasNews(completed)
      handsOver = false
      if stay, postponed.count <= 4 {
        attemptPostponed(&completed)
      } else {
        submitPostponed(&completed)
      }
    }

    private func attemptPostponed(_ completed: inout Completions) {
      var staying = 0
      for index in postponed.indices {
        let descriptor = postponed[index]
        guard let entry = lines.existingEntry(descriptor), entry.pointee.isPostponed else {
          continue
        }
        // Who waits for readiness has to see it before it is taken.
        guard entry.pointee.polling.isEmpty,
          coro_is_same_pipe(descriptor, entry.pointee.pipe) != 0
        else {
          submitPostponed(descriptor, entry, &completed)
          continue
        }
        serve(entry, &completed)
        postponed[staying] = descriptor
        staying += 1
      }
      postponed.removeLast(postponed.count - staying)
    }

    /// Hands the ring those who were put in line without it.
    func submitPostponed(_ completed: inout Completions) {
      for index in postponed.indices {
        let descriptor = postponed[index]
        // The number may be another file's by now: then it is no longer marked, or not the same.
        if let entry = lines.existingEntry(descriptor), entry.pointee.isPostponed {
          submitPostponed(descriptor, entry, &completed)
        }
      }
      postponed.removeAll(keepingCapacity: true)
    }

    private func submitPostponed(
      _ descriptor: CInt, _ entry: UnsafeMutablePointer<WaitingLines.Entry>,
      _ completed: inout Completions
    ) {
      entry.pointee.isPostponed = false
      guard let first = entry.pointee.reading.first, first.place == .line else { return }
      guard coro_is_same_pipe(descriptor, entry.pointee.pipe) != 0 else {
        return strand(descriptor, &completed)
      }
      first.place = .ring
      if submit(first) { report(first, first.pointer.pointee.result, &completed) }
    }

    /// As `noteMoved`, where no completions are worked on.
    func noteMovedEarly(_ operation: KernelOperation.Reference) {
      var completed = Completions()
      noteMoved(operation, &completed)
      early.pointee.append(contentsOf: &completed)
    }

    /// Notes what an operation on such a pipe has moved, and lets its reader have what was written.
    func noteMoved(
      _ operation: KernelOperation.Reference, _ completed: inout Completions
    ) {
      let count = operation.pointer.pointee.result
      guard count > 0 else { return }
      switch operation.pointer.pointee.kind {
      case .read(let descriptor, _):
        if let entry = lines.existingEntry(descriptor) { noteRead(entry, count) }
      case .write(let descriptor, _):
        handOver(from: descriptor, to: operation.pointer.pointee.peer, count, &completed)
      default:
        return
      }
    }

    private func noteRead(_ entry: UnsafeMutablePointer<WaitingLines.Entry>, _ count: Int) {
      guard let unread = entry.pointee.unread else { return }
      // Strangers write, too: from now on nothing is known of it.
      entry.pointee.unread = count > unread ? nil : unread - count
      if count > unread { entry.pointee.hasStrangers = true }
    }

    private func handOver(
      from descriptor: CInt, to peer: CInt, _ count: Int, _ completed: inout Completions
    ) {
      guard let entry = lines.existingEntry(descriptor), let reader = lines.existingEntry(peer),
        let unread = reader.pointee.unread
      else { return }
      if entry.pointee.pipe == 0 { entry.pointee.pipe = coro_pipe_identity(descriptor) }
      guard isPipe(entry, of: reader) else {
        // What is not counted is not known.
        reader.pointee.unread = nil
        return
      }
      reader.pointee.unread = unread + count
      handsOver = true
      serve(reader, &completed)
    }

    /// Whether both are ends of one pipe: the number may be another file's, whose reader has not
    /// been introduced yet.
    private func isPipe(
      _ entry: UnsafeMutablePointer<WaitingLines.Entry>,
      of reader: UnsafeMutablePointer<WaitingLines.Entry>
    ) -> Bool {
      entry.pointee.pipe != 0 && entry.pointee.pipe == reader.pointee.pipe
    }

    /// Lets those attempt who wait to read from such a pipe, and whom the ring has not.
    private func serve(
      _ entry: UnsafeMutablePointer<WaitingLines.Entry>, _ completed: inout Completions
    ) {
      while entry.pointee.isPostponed, let first = entry.pointee.reading.first,
        first.place == .line
      {
        let result = first.attempt()
        if result == -Int(EAGAIN) { return }
        first.pointer.pointee.result = result
        if let next = lines.remove(first) { next.place = .line }
        first.place = .finished
        completed.append(first)
        noteMoved(first, &completed)
      }
    }
  }
#endif
