#if IOUring
  import CLiburing
  import CLinux
  import CoroutineAPI
  import Glibc

  // The two queues: free entries of the one, and what comes out of the other.

  extension IOUringBackend {
    /// A free submission entry.
    ///
    /// A full queue is normal: it is submitted, and if the kernel refuses, completions are taken
    /// out. So entries reach the kernel in the order in which they were asked for, and a
    /// cancellation can't overtake the operation it is for, nor come after a later one at the same
    /// address.
    @inline(__always)
    func freeEntry() -> UnsafeMutablePointer<io_uring_sqe> {
      ring.nextEntry() ?? entryAfterSubmitting()
    }

    @inline(never)
    private func entryAfterSubmitting() -> UnsafeMutablePointer<io_uring_sqe> {
      while true {
        if let entry = ring.entryAfterSubmitting() { return entry }
        makeRoom()
      }
    }

    /// Takes completions out, because the kernel takes no submission before.
    ///
    /// Where that happens while completions are being worked on (the next in a line is submitted
    /// then), they are only set aside: no recursion, and no second access to the list.
    private func makeRoom() {
      guard isReaping else { return reap(&early.pointee) }
      while let completion = ring.nextCompletion() { aside.append(completion) }
    }

    @inline(__always)
    private func nextCompletion() -> Completion? {
      aside.isEmpty ? ring.nextCompletion() : nextOfAside()
    }

    @inline(never)
    private func nextOfAside() -> Completion {
      let completion = aside[asideDone]
      asideDone += 1
      if asideDone == aside.count {
        aside.removeAll(keepingCapacity: true)
        asideDone = 0
      }
      return completion
    }

    func reap(_ completed: inout Completions) {
      isReaping = true
      defer { isReaping = false }
      while true {
        while hasShortWay, aside.isEmpty, reapPlain(&completed) {}
        guard let completion = nextCompletion() else { return }
        work(on: completion, &completed)
      }
    }

    /// Reports the operations at the head of the queue that are plain, have moved bytes, and are
    /// the only ones in their lines; that is the rule.
    ///
    /// - Returns: Whether there was one.
    @inline(__always)
    private func reapPlain(_ completed: inout Completions) -> Bool {
      ring.fetchHidden()
      let queue = queues.pointee.cq
      let start = queue.khead.pointee
      var head = start
      let tail = coro_ring_completion_tail(queues)
      while head != tail {
        let entry = queue.cqes + Int(head & queue.ring_mask)
        guard entry.pointee.res > 0, entry.pointee.flags & IORING_CQE_F_MORE == 0,
          let operation = Tag.plainOperation(in: entry.pointee.user_data),
          operation.isPlain, operation.pointer.pointee.next == nil
        else { break }
        operation.pointer.pointee.result = Int(entry.pointee.res)
        lines.removeOnly(operation)
        operation.place = .finished
        completed.append(operation)
        head &+= 1
      }
      coro_ring_advance(queues, head)
      return head != start
    }

    @inline(never)
    private func work(on completion: Completion, _ completed: inout Completions) {
      switch Tag(completion.word) {
      case .operation:
        guard let operation = Tag.operation(in: completion.word) else { return }
        if completion.isLast {
          finish(operation, Int(completion.result), &completed)
        } else {
          heard(operation, Int(completion.result), &completed)
        }
      case .cancellation:
        guard let operation = Tag.operation(in: completion.word) else { return }
        cancellationAnswered(operation, Int(completion.result), &completed)
      case .probe:
        probeResult = completion.result
      case .wakeUp:
        var count: UInt64 = 0
        _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
        isWoken.pointee = true
        watchWakeUp()
      }
    }

    func finish(
      _ operation: KernelOperation.Reference, _ result: Int, _ completed: inout Completions
    ) {
      if operation.place == .settled {
        return hand(operation, to: &completed)
      }
      if operation.hasPoll {
        operation.hasPoll = false
        if operation.place == .stranded {
          return interrupted(operation, &completed)
        }
        if result >= 0 {
          guard let outcome = attempt(operation, after: result) else { return }
          return report(operation, outcome, &completed)
        }
      }
      switch -result {
      case Int(ECANCELED), Int(EINTR):
        interrupted(operation, &completed)
      case Int(EAGAIN)
      where operation.place == .stranded:
        interrupted(operation, &completed)
      case Int(EAGAIN) where operation.pointer.pointee.kind.opcode != .connect:
        // The descriptor is in non-blocking mode, and the kernel would not wait for it.
        if operation.pointer.pointee.isCancelled {
          report(operation, -Int(ECANCELED), &completed)
        } else {
          awaitReadiness(operation)
        }
      case 0 where isWithoutWriter(operation):
        awaitReadiness(operation)
      default:
        report(operation, result, &completed)
      }
    }

    /// Whether a read that found the end did so in a FIFO that nobody has opened yet to write to:
    /// the end of a pipe is a hang-up.
    private func isWithoutWriter(_ operation: KernelOperation.Reference) -> Bool {
      guard case .read(let descriptor, let buffer) = operation.pointer.pointee.kind else {
        return false
      }
      return !buffer.isEmpty && !operation.pointer.pointee.isCancelled
        && operation.place == .ring
        && coro_poll_now(descriptor, Int16(POLLIN)) == 0 && coro_is_fifo(descriptor) != 0
    }

    /// The operation's poll tells of a change, and goes on.
    private func heard(
      _ operation: KernelOperation.Reference, _ answer: Int, _ completed: inout Completions
    ) {
      guard operation.place == .ring,
        let result = outcome(of: operation, after: answer)
      else { return }
      operation.pointer.pointee.result = result
      if operation.pointer.pointee.peer >= 0 { noteMoved(operation, &completed) }
      let next = lines.remove(operation)
      operation.place = .settled
      cancelInRing(operation)
      if result == -Int(EBADF), isClosed(operation) {
        if let next { next.place = .line }
        return strand(operation.pointer.pointee.descriptor, &completed)
      }
      if let next, submit(next) { report(next, next.pointer.pointee.result, &completed) }
    }

    /// An operation has ended by an interruption: by its cancellation, because its descriptor is
    /// gone, by our asking, or (of a worker thread, or where there can be none) by nothing that
    /// concerns us.
    private func interrupted(
      _ operation: KernelOperation.Reference, _ completed: inout Completions
    ) {
      if operation.pointer.pointee.isCancelled {
        report(operation, -Int(ECANCELED), &completed)
      } else if operation.place == .stranded {
        report(operation, -Int(EBADF), &completed)
      } else if case .poll = operation.pointer.pointee.kind {
        awaitReadiness(operation)
      } else if case .connect(let descriptor, _, _) = operation.pointer.pointee.kind,
        coro_may_block(descriptor) != 0
      {
        // The call might block here. Whoever asked makes it again.
        report(operation, -Int(EALREADY), &completed)
      } else if submitForReadiness(operation) {
        report(operation, operation.pointer.pointee.result, &completed)
      }
    }

    /// Reports the operation, and hands the next one in its line to the ring.
    func report(
      _ operation: KernelOperation.Reference, _ result: Int, _ completed: inout Completions
    ) {
      var finished = operation
      finished.pointer.pointee.result = result
      if finished.place == .stranded {
        return hand(finished, to: &completed)
      }
      while true {
        // First: it knows nothing of whose turn it is next.
        if finished.pointer.pointee.peer >= 0 { noteMoved(finished, &completed) }
        let next = lines.remove(finished)
        hand(finished, to: &completed)
        if finished.pointer.pointee.result == -Int(EBADF), isClosed(finished) {
          if let next { next.place = .line }
          return strand(finished.pointer.pointee.descriptor, &completed)
        }
        guard let next, submit(next) else { return }
        finished = next
      }
    }
  }
#endif
