#if IOUring
  import CLiburing
  import CLinux
  import CoroutineAPI
  import Glibc

  // Where the kernel lacks an opcode, and where it answers EAGAIN instead of waiting: the ring
  // polls the descriptor, and then the call is made once.
  //
  // It answers EAGAIN for what is sent, as it is told to, and for a descriptor in non-blocking
  // mode: until 5.18 for any, and to this day for those that can't be asked not to wait.
  //
  // So it is also with messages that may bring control data: a ring that waited for one tells the
  // sender's process as 0 (SCM_CREDENTIALS, seen on Linux 6.18).
  //
  // The operation's mark says that the ring has its poll, and not itself.

  extension IOUringBackend {
    /// Begins an operation that is not the ring's: whose opcode is not there, or which it does
    /// badly; or that it has given up.
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
    ///
    /// - Parameter isInVain: The last poll told of something that is no good for the operation (the
    ///   peer has ended its sending, an error waits in its queue), and would tell of it for ever.
    ///   So this one tells of changes alone, after what stands now.
    func awaitReadiness(_ operation: KernelOperation.Reference, isInVain: Bool = false) {
      operation.hasPoll = true
      let kind = operation.pointer.pointee.kind
      let events = UInt32(UInt16(truncatingIfNeeded: kind.eventsToPoll))
      let entry = freeEntry()
      if isInVain {
        io_uring_prep_poll_multishot(entry, kind.descriptor, events)
      } else {
        io_uring_prep_poll_add(entry, kind.descriptor, events)
      }
      io_uring_sqe_set_data64(entry, Tag.operation.word(operation))
    }

    /// Before Linux 5.13 there is nothing but to ask again, now and then.
    private func rest(_ operation: KernelOperation.Reference) {
      if resting.isEmpty { restEnd = now + .milliseconds(1) }
      resting.append(operation)
    }

    /// Polls for those that have rested.
    ///
    /// - Returns: How long to wait: until the rest is over, at most.
    func endRest(before limit: WaitLimit, _ completed: inout Completions) -> WaitLimit {
      if now >= restEnd {
        let rested = resting
        resting = []
        for operation in rested {
          if operation.answersDue > 0 {
            // The ring does not find what it has to cancel.
            finish(operation, -Int(ECANCELED), &completed)
          } else {
            awaitReadiness(operation)
          }
        }
      }
      guard !resting.isEmpty else { return limit }
      switch limit {
      case .poll: return .poll
      case .until(let deadline): return .until(min(deadline, restEnd))
      case .forever: return .until(restEnd)
      }
    }

    /// Makes the operation's call when the poll has ended.
    ///
    /// - Parameter answer: The poll's result, the events that woke it.
    /// - Returns: The operation's result; nil: it waits on.
    func attempt(_ operation: KernelOperation.Reference, after answer: Int) -> Int? {
      if let result = outcome(of: operation, after: answer) { return result }
      // A cancellation that came too late for the poll finds nothing any more.
      guard !operation.pointer.pointee.isCancelled else { return -Int(ECANCELED) }
      if ring.features.contains(.pollMultishot) {
        awaitReadiness(operation, isInVain: true)
      } else {
        rest(operation)
      }
      return nil
    }

    /// The operation's result, if its poll's answer stands for one.
    func outcome(of operation: KernelOperation.Reference, after answer: Int) -> Int? {
      if case .poll(_, let events) = operation.pointer.pointee.kind {
        return readiness(operation, events, after: answer)
      }
      return attempt(operation, isRepeated: true)
    }

    /// What a wait for readiness has found.
    ///
    /// The kernel tells what woke the poll, and poll(2) all that is there. Where it is gone again,
    /// somebody was faster, or looking took it away, and yet it was there. But the wake-up of a
    /// socket by whatever it is has POLLPRI in it, with POLLRDBAND.
    private func readiness(
      _ operation: KernelOperation.Reference, _ events: Int16, after answer: Int
    ) -> Int? {
      let found = operation.attempt()
      if found != -Int(EAGAIN) { return found }
      let isOfSocket = answer & Int(POLLRDBAND) != 0
      let seen = answer & Int(CInt(events) | POLLHUP | POLLERR) & ~Int(isOfSocket ? POLLPRI : 0)
      return seen == 0 ? nil : seen
    }

    private func attempt(_ operation: KernelOperation.Reference, isRepeated: Bool) -> Int? {
      if case .connect = operation.pointer.pointee.kind {
        return operation.connect(isRepeated: isRepeated)
      }
      let result = operation.attempt()
      return result == -Int(EAGAIN) ? nil : result
    }

    /// Asks for the end of an operation that the ring has.
    ///
    /// The kernel may not find it, while it is between being woken and trying again. So the answer
    /// is waited for, and the operation is not reported before it.
    func cancelInRing(_ operation: KernelOperation.Reference) {
      let word = Tag.operation.word(operation)
      operation.answersDue += 1
      let entry = freeEntry()
      if pollsAlone {
        io_uring_prep_poll_remove(entry, word)
      } else {
        io_uring_prep_cancel64(entry, word, 0)
      }
      io_uring_sqe_set_data64(entry, Tag.cancellation.word(operation))
    }

    /// Nothing but polls is in flight.
    private var pollsAlone: Bool { !ring.features.contains(.asyncCancel) }

    /// A cancellation was answered.
    func cancellationAnswered(
      _ operation: KernelOperation.Reference, _ result: Int, _ completed: inout Completions
    ) {
      operation.answersDue -= 1
      if operation.place == .held {
        if operation.answersDue == 0 { completed.append(operation) }
      } else if result == -Int(ENOENT) || pollsAlone && result == -Int(EALREADY) {
        cancelInRing(operation)
      }
    }

    /// Hands a finished operation back, unless a cancellation of it has to be answered yet.
    func hand(_ operation: KernelOperation.Reference, to completed: inout Completions) {
      if operation.answersDue == 0 {
        // From here on nobody may ask the ring to cancel it.
        operation.place = .finished
        completed.append(operation)
      } else {
        operation.place = .held
      }
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
