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
    private let ring: Ring
    private let wakeUp: CInt
    /// Finished operations that were found while room was made in a full submission queue, and
    /// cancelled ones that never came to the ring.
    private let early: UnsafeMutablePointer<OperationList>
    private let lines = WaitingLines()
    /// Completions are being worked on.
    private var isReaping = false
    /// Completions that were found meanwhile, to be worked on next.
    private var aside: [(word: UInt64, result: CInt)] = []
    /// What a question by `strandIfReused` was answered with.
    private var probeResult: CInt?
    /// How many operations such questions may have cancelled that are to be submitted again.
    private var disturbedMax = 0
    /// `wake()` was heard of, and no `wait` has returned since.
    private let isWoken: UnsafeMutablePointer<Bool>

    /// "io_uring".
    public var name: String { "io_uring" }

    /// A ring for the calling thread.
    ///
    /// - Parameters:
    ///   - entries: The length of the submission queue, a power of two. A full queue is no error.
    ///   - requiresDeferredWork: Refuse where the kernel (before 6.1) can't defer its work to the
    ///     call that waits; epoll is faster there.
    /// - Throws: `unavailable`, with the reason and the remedy.
    public init(entries: Int = 256, requiresDeferredWork: Bool = false) throws(CoroutineError) {
      ring = try Ring(entries: entries, requiresDeferredWork: requiresDeferredWork)
      wakeUp = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
      guard wakeUp >= 0 else {
        let reason = errno
        ring.close()
        throw CoroutineError(
          .unavailable, errno: .init(rawValue: reason), call: "the io_uring backend",
          operands: "(eventfd)", detail: "raise the limit of open descriptors (ulimit -n)")
      }
      early = .allocate(capacity: 1)
      early.initialize(to: OperationList())
      isWoken = .allocate(capacity: 1)
      isWoken.initialize(to: false)
      watchWakeUp()
    }

    deinit {
      early.deallocate()
      isWoken.deallocate()
    }

    // MARK: Backend

    /// CLOCK_MONOTONIC.
    public var now: Instant { .kernelNow }

    /// Fills a submission entry; what never waits is done at once, by an ordinary call.
    public func start(_ operation: KernelOperation.Reference) -> Bool {
      switch operation.pointer.pointee.kind {
      case .call, .forget:
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
        if lines.append(operation) { submit(operation) }
        return false
      case .receive, .receiveMessage, .read, .accept, .send, .sendMessage, .write, .connect:
        guard operation.pointer.pointee.kind.descriptor >= 0 else {
          operation.pointer.pointee.result = -Int(EBADF)
          return true
        }
        if !operation.pointer.pointee.mayWait { return attemptOnce(operation) }
        if lines.append(operation) { submit(operation) }
        return false
      }
    }

    private func submit(_ operation: KernelOperation.Reference) {
      let entry = ring.entry(makingRoom: makeRoom)
      operation.prepare(entry)
      io_uring_sqe_set_data64(entry, Tag.operation.word(operation))
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
      withdraw(operation)
    }

    private func withdraw(_ operation: KernelOperation.Reference) {
      let entry = ring.entry(makingRoom: makeRoom)
      io_uring_prep_cancel64(entry, Tag.operation.word(operation), 0)
      io_uring_sqe_set_data64(entry, Tag.cancellation.rawValue)
    }

    /// Submits and waits with one call, then empties the completion queue.
    public func wait(_ limit: WaitLimit, completed: inout OperationList) {
      completed.append(contentsOf: &early.pointee)
      reap(&completed)
      // Reaping enters the kernel where work was deferred, and so may have heard of a wake already.
      ring.enter(completed.isEmpty && !isWoken.pointee ? limit : .poll, now: now)
      reap(&completed)
      isWoken.pointee = false
    }

    /// Writes to the eventfd, which the ring polls.
    public func wake() {
      var one: UInt64 = 1
      // EAGAIN: the counter is full, and the loop has been woken often enough.
      _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }

    /// Closes the ring.
    ///
    /// Only the poll of the eventfd is in flight, and it points at no memory.
    public func close() {
      ring.close()
      _ = CLinux.close(wakeUp)
    }

    // MARK: A descriptor's end

    /// Reports everyone who waits on a descriptor with EBADF, once the ring has let go of them.
    private func strand(_ descriptor: CInt, _ failed: inout OperationList) {
      while let operation = lines.popFirst(descriptor) {
        if operation.pointer.pointee.backendWord == WaitingLines.Place.line {
          operation.pointer.pointee.backendWord = WaitingLines.Place.abandoned
          operation.pointer.pointee.result = -Int(EBADF)
          failed.append(operation)
        } else {
          operation.pointer.pointee.backendWord = WaitingLines.Place.stranded
          if !operation.pointer.pointee.isCancelled { withdraw(operation) }
        }
      }
    }

    /// After an EBADF, which is also how a descriptor refuses the wrong direction.
    @inline(never)
    private func isClosed(_ operation: KernelOperation.Reference) -> Bool {
      coro_is_open(operation.pointer.pointee.kind.descriptor) == 0
    }

    private func strandEarlyIfClosed(_ operation: KernelOperation.Reference) {
      if isClosed(operation) { strandEarly(operation.pointer.pointee.kind.descriptor) }
    }

    /// See `strand`; reported by the next `wait`.
    @inline(never)
    private func strandEarly(_ descriptor: CInt) {
      // What the kernel has not seen yet would be done to whoever has the number by then.
      settle()
      var failed = OperationList()
      strand(descriptor, &failed)
      early.pointee.append(contentsOf: &failed)
    }

    /// Asks the kernel whether those who wait on a number wait on the open file that it means now.
    ///
    /// The ring keeps the file of an operation in flight alive, whatever becomes of the number. If
    /// a cancellation by descriptor finds something to cancel, the files are one, and what it found
    /// is submitted again.
    @inline(never)
    private func strandIfReused(_ descriptor: CInt) {
      // Disturbed, a connection could not be continued; and it ends by itself.
      if lines.isConnecting(descriptor) { return }
      // What has finished would not be found, and be taken for a stranger's.
      settle()
      guard lines.isInUse(descriptor) else { return }
      disturbedMax += 1
      let entry = ring.entry(makingRoom: makeRoom)
      io_uring_prep_cancel_fd(entry, descriptor, 0)
      io_uring_sqe_set_data64(entry, Tag.probe.rawValue)
      probeResult = nil
      while probeResult == nil { settle() }
      guard probeResult == -ENOENT || probeResult == -EBADF else { return }
      disturbedMax -= 1
      strandEarly(descriptor)
    }

    /// Submits what is queued, and takes in what has finished.
    private func settle() {
      ring.enter(.poll, now: now)
      reap(&early.pointee)
    }

    // MARK: Completions

    /// Takes completions out, because the kernel takes no submission before.
    ///
    /// Where that happens while completions are being worked on (the next in a line is submitted
    /// then), they are only set aside: no recursion, and no second access to the list.
    private func makeRoom() {
      guard isReaping else { return reap(&early.pointee) }
      while let completion = ring.nextCompletion() { aside.append(completion) }
    }

    private func nextCompletion() -> (word: UInt64, result: CInt)? {
      aside.isEmpty ? ring.nextCompletion() : aside.removeFirst()
    }

    private func reap(_ completed: inout OperationList) {
      isReaping = true
      defer { isReaping = false }
      while let (word, result) = nextCompletion() {
        switch Tag(word) {
        case .operation:
          guard let operation = Tag.operation(in: word) else { continue }
          finish(operation, Int(result), &completed)
        case .cancellation:
          break  // Whether it won shows in the operation's own completion.
        case .probe:
          probeResult = result
        case .wakeUp:
          var count: UInt64 = 0
          _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
          isWoken.pointee = true
          watchWakeUp()
        }
      }
    }

    private func finish(
      _ operation: KernelOperation.Reference, _ result: Int, _ completed: inout OperationList
    ) {
      let isStranded = operation.pointer.pointee.backendWord == WaitingLines.Place.stranded
      operation.pointer.pointee.result = result
      if result == -Int(EINTR) || result == -Int(ECANCELED) {
        // A worker thread was interrupted: by the cancellation, or by nothing that concerns us.
        if operation.pointer.pointee.isCancelled {
          operation.pointer.pointee.result = -Int(ECANCELED)
        } else if isStranded {
          operation.pointer.pointee.result = -Int(EBADF)
        } else if result == -Int(EINTR) || wasDisturbed() {
          return submit(operation)
        }
      }
      if isStranded { return completed.append(operation) }
      let next = lines.remove(operation)
      completed.append(operation)
      if let next { submit(next) }
      if result == -Int(EBADF), isClosed(operation) {
        strand(operation.pointer.pointee.kind.descriptor, &completed)
      }
    }

    /// Whether an operation that was cancelled, and not by its owner, was found by our asking.
    private func wasDisturbed() -> Bool {
      guard disturbedMax > 0 else { return false }
      disturbedMax -= 1
      return true
    }

    private func watchWakeUp() {
      let entry = ring.entry(makingRoom: makeRoom)
      io_uring_prep_poll_add(entry, wakeUp, UInt32(POLLIN))
      io_uring_sqe_set_data64(entry, Tag.wakeUp.rawValue)
    }
  }

  /// What a completion is for: the low bits of its 64-bit word; the rest is an address.
  private enum Tag: UInt64 {
    case operation = 0
    case cancellation = 1
    case wakeUp = 2
    case probe = 3

    init(_ word: UInt64) {
      self = Tag(rawValue: word & 7) ?? .operation
    }

    func word(_ operation: KernelOperation.Reference) -> UInt64 {
      UInt64(UInt(bitPattern: operation.pointer)) | rawValue
    }

    static func operation(in word: UInt64) -> KernelOperation.Reference? {
      UnsafeMutablePointer(bitPattern: UInt(word & ~7)).map { KernelOperation.Reference($0) }
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
