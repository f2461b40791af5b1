#if IOUring
  import CLiburing
  import CLinux
  import CoroutineAPI
  import Glibc

  // Where the kernel lacks an opcode, and where it answers EAGAIN instead of waiting: the ring
  // polls the descriptor, and then the call is made once.
  //
  // It answers EAGAIN for a descriptor in non-blocking mode: until 5.18 for any, and to this day
  // for those that can't be asked not to wait (a terminal, for one).
  //
  // So it is also with messages that may bring control data: a ring that waited for one tells the
  // sender's process as 0 (SCM_CREDENTIALS, seen on Linux 6.18).
  //
  // The operation's mark says that the ring has its poll, and not itself.

  extension IOUringBackend {
    /// Begins an operation whose opcode is not there.
    ///
    /// The call comes first: `connect` begins the connection with it, and not every failure shows
    /// as readiness (reading from the end that writes, for one).
    ///
    /// - Returns: Whether it finished at once, with its result set.
    func submitForReadiness(_ operation: KernelOperation.Reference) -> Bool {
      if let result = attempt(operation, isRepeated: false) {
        operation.pointer.pointee.result = result
        return true
      }
      awaitReadiness(operation)
      return false
    }

    /// Has the ring poll the operation's descriptor.
    func awaitReadiness(_ operation: KernelOperation.Reference) {
      operation.pointer.pointee.backendMark = true
      let kind = operation.pointer.pointee.kind
      let events = kind.eventsToPoll
      let entry = ring.entry(makingRoom: makeRoom)
      io_uring_prep_poll_add(entry, kind.descriptor, UInt32(events))
      io_uring_sqe_set_data64(entry, Tag.operation.word(operation))
    }

    /// Makes the operation's call when the poll has ended.
    ///
    /// - Parameter answer: The poll's result, the events that woke it.
    /// - Returns: The operation's result; nil: it waits on.
    func attempt(_ operation: KernelOperation.Reference, after answer: Int) -> Int? {
      if case .poll(_, let events) = operation.pointer.pointee.kind {
        if let result = readiness(operation, events, after: answer) { return result }
      } else if let result = attempt(operation, isRepeated: true) {
        return result
      }
      // A cancellation that came too late for the poll finds nothing any more.
      guard !operation.pointer.pointee.isCancelled else { return -Int(ECANCELED) }
      awaitReadiness(operation)
      return nil
    }

    /// What a wait for readiness has found.
    ///
    /// The kernel tells what woke the poll, and poll(2) all that is there. Where it is gone again,
    /// somebody was faster, and yet it was there; but for urgent data every wake-up stands.
    private func readiness(
      _ operation: KernelOperation.Reference, _ events: Int16, after answer: Int
    ) -> Int? {
      let found = operation.pointer.pointee.attempt()
      if found != -Int(EAGAIN) { return found }
      let seen = answer & Int(CInt(events) | POLLHUP | POLLERR) & ~Int(POLLPRI)
      return seen == 0 ? nil : seen
    }

    private func attempt(_ operation: KernelOperation.Reference, isRepeated: Bool) -> Int? {
      if case .connect = operation.pointer.pointee.kind {
        return operation.pointer.pointee.connect(isRepeated: isRepeated)
      }
      let result = operation.pointer.pointee.attempt()
      return result == -Int(EAGAIN) ? nil : result
    }

    /// Asks for the end of an operation that the ring has.
    func cancelInRing(_ operation: KernelOperation.Reference) {
      let word = Tag.operation.word(operation)
      let entry = ring.entry(makingRoom: makeRoom)
      if ring.features.contains(.asyncCancel) {
        io_uring_prep_cancel64(entry, word, 0)
      } else {
        // Nothing but polls is in flight then.
        io_uring_prep_poll_remove(entry, word)
      }
      io_uring_sqe_set_data64(entry, Tag.cancellation.rawValue)
    }
  }

  extension KernelOperation.Kind {
    /// What the ring is to poll for.
    fileprivate var eventsToPoll: CInt {
      switch (self, direction) {
      case (.poll(_, let events), _):
        // A POLL_ADD for POLLPRI alone is not woken by TCP's urgent data: the kernel leaves that
        // bit out when it compares. POLLRDBAND comes with it, and never stands.
        return CInt(events) & POLLPRI == 0 ? CInt(events) : CInt(events) | POLLRDBAND
      case (_, .writing): return POLLOUT
      default: return POLLIN
      }
    }
  }

  extension KernelOperation.Reference {
    /// Whether it receives a message with room for control data.
    var asksForControl: Bool {
      guard case .receiveMessage(_, let message, _) = pointer.pointee.kind else { return false }
      return message.pointee.msg_controllen > 0
    }
  }
#endif
