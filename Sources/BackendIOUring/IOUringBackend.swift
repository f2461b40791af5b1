#if IOUring
  import CLiburing
  import CLinux
  public import CoroutineAPI
  import Glibc

  /// Completions from io_uring(7).
  ///
  /// `start` only fills a submission entry; all of a turn's entries go to the kernel with the one
  /// call that also waits. What finishes is found in the completion queue, and its entry carries
  /// the operation's address.
  public final class IOUringBackend: Backend {
    let ring: Ring
    private let wakeUp: CInt
    /// Operations to be reported by the next `wait`: those that were found finished while room was
    /// made or a number looked into, cancelled ones that never came to the ring, and those whose
    /// descriptor is gone.
    let early: UnsafeMutablePointer<OperationList>
    let lines: WaitingLines
    /// Completions are being worked on.
    private var isReaping = false
    /// Completions that were found meanwhile, to be worked on next.
    private var aside: [Completion] = []
    /// Where the ring can't wait for changes alone: operations whose polls were in vain, to be
    /// polled again a moment later.
    var resting: [KernelOperation.Reference] = []
    var restEnd = Instant.distantFuture
    /// What a question by `strandIfReused` was answered with.
    var probeResult: CInt?
    /// `wake()` was heard of, and no `wait` has returned since.
    private let isWoken: UnsafeMutablePointer<Bool>

    /// "io_uring".
    public var name: String { "io_uring" }

    /// A ring for the calling thread.
    ///
    /// The environment may turn features of the kernel off (`COROUTINE_IO_URING_DISABLE`) and set
    /// the lengths of the queues (`COROUTINE_IO_URING_ENTRIES`, `COROUTINE_IO_URING_CQ_ENTRIES`).
    ///
    /// - Parameters:
    ///   - entries: The length of the submission queue, a power of two. A full queue is no error.
    ///   - requiresDeferredWork: Refuse where the kernel (before 6.1) can't defer its work to the
    ///     call that waits; epoll is faster there.
    /// - Throws: `unavailable`, with the reason and the remedy.
    public convenience init(
      entries: Int = 256, requiresDeferredWork: Bool = false
    ) throws(CoroutineError) {
      try self.init(Settings(entries: entries), requiresDeferredWork: requiresDeferredWork)
    }

    init(_ settings: Settings, requiresDeferredWork: Bool = false) throws(CoroutineError) {
      ring = try Ring(settings, requiresDeferredWork: requiresDeferredWork)
      wakeUp = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
      guard wakeUp >= 0 else {
        let reason = errno
        ring.close()
        throw CoroutineError(
          .unavailable, errno: .init(rawValue: reason), call: "the io_uring backend",
          operands: "(eventfd)", detail: "raise the limit of open descriptors (ulimit -n)")
      }
      lines = WaitingLines(ring.features.cancelsByDescriptor ? nil : FileIdentities())
      early = .allocate(capacity: 1)
      early.initialize(to: OperationList())
      isWoken = .allocate(capacity: 1)
      isWoken.initialize(to: false)
      watchWakeUp()
      do throws(CoroutineError) {
        try ring.begin()
      } catch {
        close()
        throw error
      }
    }

    deinit {
      early.deallocate()
      isWoken.deallocate()
    }

    // MARK: Backend

    /// CLOCK_MONOTONIC.
    public var now: Instant { .kernelNow }

    /// CLOCK_MONOTONIC_COARSE.
    public var roughNow: Instant { .kernelRoughNow }

    /// Fills a submission entry; what never waits is done at once, by an ordinary call.
    public func start(_ operation: KernelOperation.Reference) -> Bool {
      switch operation.pointer.pointee.kind {
      case .call(let call):
        // What was asked of the descriptor before comes before.
        if let changed = call.changedDescriptor, lines.isInUse(changed) { settle(changed) }
        operation.pointer.pointee.result = operation.pointer.pointee.attempt()
        return true
      case .forget:
        operation.pointer.pointee.result = operation.pointer.pointee.attempt()
        return true
      case .close(let descriptor):
        if lines.isInUse(descriptor) { strandEarly(descriptor) }
        operation.pointer.pointee.result = operation.pointer.pointee.attempt()
        return true
      case .introduce(let descriptor):
        if lines.isInUse(descriptor) { strandIfReused(descriptor) }
        operation.pointer.pointee.result = 0
        return true
      case .poll:
        if startPolling(operation) { return true }
        _ = lines.append(operation)
        awaitReadiness(operation)
        return false
      case .receive, .receiveMessage, .read, .accept, .send, .sendMessage, .write, .connect:
        guard operation.pointer.pointee.kind.descriptor >= 0 else {
          operation.pointer.pointee.result = -Int(EBADF)
          return true
        }
        if !operation.pointer.pointee.mayWait { return attemptOnce(operation) }
        if case .accept = operation.pointer.pointee.kind, acceptsAtOnce(operation) { return true }
        guard lines.append(operation), submit(operation) else { return false }
        _ = lines.remove(operation)
        if operation.pointer.pointee.result == -Int(EBADF) { strandEarlyIfClosed(operation) }
        return true
      }
    }

    /// - Returns: Whether it finished at once, with its result set.
    private func submit(_ operation: KernelOperation.Reference) -> Bool {
      guard ring.doesEverything || ring.does(operation), !operation.asksForControl,
        // The kernel would have a thread wait for what does not come; and of a file it reads and
        // writes at a position that others don't see, and that direct I/O does not move.
        operation.pointer.pointee.traits.isDisjoint(with: [.receivingEnded, .pollFirst])
      else {
        return submitForReadiness(operation)
      }
      operation.pointer.pointee.backendWord = WaitingLines.Place.ring
      let entry = ring.entry(makingRoom: makeRoom)
      operation.prepare(entry)
      io_uring_sqe_set_data64(entry, Tag.operation.word(operation))
      return false
    }

    /// Takes a connection that is there already.
    ///
    /// The ring has one operation a descriptor, and so would accept one connection a turn: where
    /// turns are long, because many connections are busy, the listener's backlog would overflow.
    ///
    /// Not in blocking mode: there another process may be faster than the call, which then waits.
    private func acceptsAtOnce(_ operation: KernelOperation.Reference) -> Bool {
      guard lines.isEmpty(for: operation),
        coro_may_block(operation.pointer.pointee.kind.descriptor) == 0
      else { return false }
      let result = operation.pointer.pointee.attempt()
      operation.pointer.pointee.result = result
      if result == -Int(EBADF) { strandEarlyIfClosed(operation) }
      return result != -Int(EAGAIN)
    }

    private func attemptOnce(_ operation: KernelOperation.Reference) -> Bool {
      // Others wait for the same: first come, first served.
      let result =
        lines.isEmpty(for: operation) ? operation.pointer.pointee.attempt() : -Int(EAGAIN)
      operation.pointer.pointee.result = result == -Int(EINPROGRESS) ? -Int(EAGAIN) : result
      if result == -Int(EBADF) { strandEarlyIfClosed(operation) }
      return true
    }

    /// Asks for readiness.
    ///
    /// First, because the lines have no room for a number that nobody has.
    ///
    /// - Returns: Whether the operation has finished.
    private func startPolling(_ operation: KernelOperation.Reference) -> Bool {
      let result = operation.pointer.pointee.attempt()
      operation.pointer.pointee.result = result
      if result == -Int(EAGAIN) { return !operation.pointer.pointee.mayWait }
      if result == -Int(EBADF) { strandEarlyIfClosed(operation) }
      return true
    }

    /// Asks for the operation's end.
    ///
    /// Its own completion follows, whoever wins the race.
    public func cancel(_ operation: KernelOperation.Reference) {
      // Of a descriptor that is gone: its end was asked for, or is under way.
      if operation.pointer.pointee.backendWord >= WaitingLines.Place.stranded { return }
      if lines.isWaiting(operation) {
        _ = lines.remove(operation)
        operation.pointer.pointee.result = -Int(ECANCELED)
        early.pointee.append(operation)
        return
      }
      cancelInRing(operation)
    }

    /// Submits and waits with one call, then empties the completion queue.
    public func wait(_ limit: WaitLimit, completed: inout OperationList) {
      completed.append(contentsOf: &early.pointee)
      reap(&completed)
      let limit = resting.isEmpty ? limit : endRest(before: limit, &completed)
      // Reaping enters the kernel where work was deferred, and so may have heard of a wake already.
      let mayWait = completed.isEmpty && early.pointee.isEmpty && !isWoken.pointee
      ring.enter(mayWait ? limit : .poll, now: now)
      reap(&completed)
      isWoken.pointee = false
    }

    /// Writes to the eventfd, which the ring polls.
    public func wake() {
      var one: UInt64 = 1
      // EAGAIN: the counter is full, and the loop has been woken often enough.
      while write(wakeUp, &one, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }

    /// Closes the ring.
    ///
    /// Only the poll of the eventfd is in flight, and it points at no memory.
    public func close() {
      ring.close()
      _ = CLinux.close(wakeUp)
      lines.identities?.close()
    }

    /// Unmaps the child's copy of the queues and closes its descriptors.
    ///
    /// The ring's requests are the parent's.
    public func abandon() {
      ring.abandon()
      _ = CLinux.close(wakeUp)
      lines.identities?.close()
    }

    // MARK: Completions

    /// Takes completions out, because the kernel takes no submission before.
    ///
    /// Where that happens while completions are being worked on (the next in a line is submitted
    /// then), they are only set aside: no recursion, and no second access to the list.
    func makeRoom() {
      guard isReaping else { return reap(&early.pointee) }
      while let completion = ring.nextCompletion() { aside.append(completion) }
    }

    private func nextCompletion() -> Completion? {
      aside.isEmpty ? ring.nextCompletion() : aside.removeFirst()
    }

    func reap(_ completed: inout OperationList) {
      isReaping = true
      defer { isReaping = false }
      while let completion = nextCompletion() {
        switch Tag(completion.word) {
        case .operation:
          guard let operation = Tag.operation(in: completion.word) else { continue }
          if completion.isLast {
            finish(operation, Int(completion.result), &completed)
          } else {
            heard(operation, Int(completion.result), &completed)
          }
        case .cancellation:
          guard let operation = Tag.operation(in: completion.word) else { continue }
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
    }

    func finish(
      _ operation: KernelOperation.Reference, _ result: Int, _ completed: inout OperationList
    ) {
      if operation.pointer.pointee.backendWord == WaitingLines.Place.settled {
        return hand(operation, to: &completed)
      }
      if operation.pointer.pointee.backendMark {
        operation.pointer.pointee.backendMark = false
        if operation.pointer.pointee.backendWord == WaitingLines.Place.stranded {
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
      where operation.pointer.pointee.backendWord == WaitingLines.Place.stranded:
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
        && operation.pointer.pointee.backendWord == WaitingLines.Place.ring
        && coro_poll_now(descriptor, Int16(POLLIN)) == 0 && coro_is_fifo(descriptor) != 0
    }

    /// The operation's poll tells of a change, and goes on.
    private func heard(
      _ operation: KernelOperation.Reference, _ answer: Int, _ completed: inout OperationList
    ) {
      guard operation.pointer.pointee.backendWord == WaitingLines.Place.ring,
        let result = outcome(of: operation, after: answer)
      else { return }
      operation.pointer.pointee.result = result
      let next = lines.remove(operation)
      operation.pointer.pointee.backendWord = WaitingLines.Place.settled
      cancelInRing(operation)
      if result == -Int(EBADF), isClosed(operation) {
        if let next { next.pointer.pointee.backendWord = WaitingLines.Place.line }
        return strand(operation.pointer.pointee.kind.descriptor, &completed)
      }
      if let next, submit(next) { report(next, next.pointer.pointee.result, &completed) }
    }

    /// An operation has ended by an interruption: by its cancellation, because its descriptor is
    /// gone, by our asking, or (of a worker thread, or where there can be none) by nothing that
    /// concerns us.
    private func interrupted(
      _ operation: KernelOperation.Reference, _ completed: inout OperationList
    ) {
      if operation.pointer.pointee.isCancelled {
        report(operation, -Int(ECANCELED), &completed)
      } else if operation.pointer.pointee.backendWord == WaitingLines.Place.stranded {
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
    private func report(
      _ operation: KernelOperation.Reference, _ result: Int, _ completed: inout OperationList
    ) {
      var finished = operation
      finished.pointer.pointee.result = result
      if finished.pointer.pointee.backendWord == WaitingLines.Place.stranded {
        return hand(finished, to: &completed)
      }
      while true {
        let next = lines.remove(finished)
        hand(finished, to: &completed)
        if finished.pointer.pointee.result == -Int(EBADF), isClosed(finished) {
          if let next { next.pointer.pointee.backendWord = WaitingLines.Place.line }
          return strand(finished.pointer.pointee.kind.descriptor, &completed)
        }
        guard let next, submit(next) else { return }
        finished = next
      }
    }

    private func watchWakeUp() {
      let entry = ring.entry(makingRoom: makeRoom)
      io_uring_prep_poll_add(entry, wakeUp, UInt32(POLLIN))
      io_uring_sqe_set_data64(entry, Tag.wakeUp.rawValue)
    }
  }

  extension BackendChoice {
    /// io_uring; fails with the reason where the kernel or a sandbox denies it.
    public static let ioUring = BackendChoice("io_uring") { () throws(CoroutineError) in
      try IOUringBackend()
    }

    /// io_uring where it is at least as fast as epoll: where the kernel can defer its work (6.1).
    public static let ioUringIfFast = BackendChoice("io_uring") { () throws(CoroutineError) in
      try IOUringBackend(requiresDeferredWork: true)
    }
  }
#endif
