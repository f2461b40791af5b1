#if IOUring
  import CLiburing
  import CLinux
  public import CoroutineAPI
  import Glibc

  /// Completions from io_uring(7).
  ///
  /// `start` fills a submission entry as a rule, and all of a turn's entries go to the kernel with
  /// the one call that also waits; what will hardly have to wait may be done by a call at once.
  /// What the ring finishes is found in its completion queue, and its entry carries the operation's
  /// address.
  public final class IOUringBackend: Backend {
    let ring: Ring
    /// The ring's memory, for those who have no time to ask it.
    let queues: UnsafeMutablePointer<io_uring>
    let wakeUp: CInt
    /// Operations to be reported next: those that were found finished while room was
    /// made or a number looked into, cancelled ones that never came to the ring, and those whose
    /// descriptor is gone.
    let early: UnsafeMutablePointer<Completions>
    let lines: WaitingLines
    /// The ring does everything, and tells open files apart by itself: see `startTransfer`.
    let hasShortWay: Bool
    /// Completions are being worked on.
    @exclusivity(unchecked) var isReaping = false
    /// Completions that were found meanwhile, to be worked on next.
    @exclusivity(unchecked) var aside: [Completion] = []
    /// How many of those have been worked on.
    @exclusivity(unchecked) var asideDone = 0
    /// Where the ring can't wait for changes alone: operations whose polls were in vain, to be
    /// polled again a moment later.
    @exclusivity(unchecked) var resting: [KernelOperation.Reference] = []
    @exclusivity(unchecked) var restEnd = Instant.distantFuture
    /// Somebody computes, lately.
    @exclusivity(unchecked) var isBusy = false
    @exclusivity(unchecked) private var busyUntil = Instant(nanoseconds: 0)
    /// When the last wait ended.
    @exclusivity(unchecked) private var lastEnd = Instant.kernelNow
    /// How many entries had been filled by then, ever.
    @exclusivity(unchecked) private var tailAtLastEnd: UInt32 = 0
    /// The numbers whose entries in `lines` say `isPostponed`, and some that do not any more.
    @exclusivity(unchecked) var postponed: [CInt] = []
    /// Somebody has written to such a pipe, since they were last seen to.
    @exclusivity(unchecked) var handsOver = false
    /// What a question by `strandIfReused` was answered with.
    @exclusivity(unchecked) var probeResult: CInt?
    @exclusivity(unchecked) var spins = SpinPolicy()
    /// `wake()` was heard of, and no `wait` has returned since.
    let isWoken: UnsafeMutablePointer<Bool>

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
      queues = ring.ring
      wakeUp = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
      guard wakeUp >= 0 else {
        let reason = errno
        ring.close()
        throw CoroutineError(
          .unavailable, errno: .init(rawValue: reason), call: "the io_uring backend",
          operands: "(eventfd)", detail: "raise the limit of open descriptors (ulimit -n)")
      }
      lines = WaitingLines(ring.features.cancelsByDescriptor ? nil : FileIdentities())
      hasShortWay = ring.doesEverything && lines.identities == nil
      early = .allocate(capacity: 1)
      early.initialize(to: Completions())
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
      startTransfer(operation) ? false : startOther(operation)
    }

    @inline(never)
    private func startOther(_ operation: KernelOperation.Reference) -> Bool {
      switch operation.pointer.pointee.kind {
      case .call(let call):
        // What was asked of the descriptor before comes before.
        if let changed = call.changedDescriptor, lines.isInUse(changed) { settle(changed) }
        operation.pointer.pointee.result = operation.attempt()
        return true
      case .forget:
        operation.pointer.pointee.result = operation.attempt()
        return true
      case .close(let descriptor):
        if lines.isInUse(descriptor) { strandEarly(descriptor) }
        lines.forgetPipe(descriptor)
        operation.pointer.pointee.result = operation.attempt()
        return true
      case .introduce(let descriptor):
        if lines.isInUse(descriptor), !isPostponedPipe(descriptor) { strandIfReused(descriptor) }
        if !lines.isInUse(descriptor) { lines.forgetPipe(descriptor) }
        operation.pointer.pointee.result = 0
        return true
      case .poll:
        if startPolling(operation) { return true }
        _ = lines.append(operation)
        awaitReadiness(operation)
        return false
      case .receive, .receiveMessage, .read, .accept, .send, .sendMessage, .write, .connect:
        guard operation.pointer.pointee.descriptor >= 0 else {
          operation.pointer.pointee.result = -Int(EBADF)
          return true
        }
        if !operation.pointer.pointee.mayWait { return attemptOnce(operation) }
        if operation.pointer.pointee.peer >= 0, let isOver = startPaired(operation) {
          return isOver
        }
        if case .accept = operation.pointer.pointee.kind, acceptsAtOnce(operation) { return true }
        if endsAtOnce(operation) { return true }
        guard lines.append(operation), submit(operation) else { return false }
        _ = lines.remove(operation)
        if operation.pointer.pointee.peer >= 0 { noteMovedEarly(operation) }
        if operation.pointer.pointee.result == -Int(EBADF) { strandEarlyIfClosed(operation) }
        return true
      }
    }

    /// - Returns: Whether it finished at once, with its result set.
    @inline(__always)
    func submit(_ operation: KernelOperation.Reference) -> Bool {
      // The kernel would have a thread wait for what does not come; and of a file it reads and
      // writes at a position that others don't see, and that direct I/O does not move.
      let special =
        KernelOperation.Traits.receivingEnded.rawValue | KernelOperation.Traits.pollFirst.rawValue
      guard operation.pointer.pointee.traits.rawValue & special == 0,
        ring.doesEverything || ring.does(operation), !operation.asksForControl
      else {
        return submitForReadiness(operation)
      }
      operation.place = .ring
      if operation.pointer.pointee.peer >= 0 { operation.markPaired() }
      operation.prepare(freeEntry())
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
        coro_may_block(operation.pointer.pointee.descriptor) == 0
      else { return false }
      let result = operation.attempt()
      operation.pointer.pointee.result = result
      if result == -Int(EBADF) { strandEarlyIfClosed(operation) }
      return result != -Int(EAGAIN)
    }

    private func attemptOnce(_ operation: KernelOperation.Reference) -> Bool {
      // Others wait for the same: first come, first served.
      let result =
        lines.isEmpty(for: operation) ? operation.attempt() : -Int(EAGAIN)
      operation.pointer.pointee.result = result == -Int(EINPROGRESS) ? -Int(EAGAIN) : result
      if operation.pointer.pointee.peer >= 0 { noteMovedEarly(operation) }
      if result == -Int(EBADF) { strandEarlyIfClosed(operation) }
      return true
    }

    /// Asks for readiness.
    ///
    /// First, because the lines have no room for a number that nobody has.
    ///
    /// - Returns: Whether the operation has finished.
    private func startPolling(_ operation: KernelOperation.Reference) -> Bool {
      let result = operation.attempt()
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
      if operation.place.rawValue >= Place.stranded.rawValue { return }
      if lines.isWaiting(operation) {
        // Who was behind one that the ring has not, is not the ring's either.
        if let next = lines.remove(operation) { next.place = .line }
        operation.pointer.pointee.result = -Int(ECANCELED)
        early.pointee.append(operation)
        return
      }
      cancelInRing(operation)
    }

    /// Appends whom another coroutine's call or cancellation has finished.
    public func reportFinished(_ completed: inout Completions) {
      completed.append(contentsOf: &early.pointee)
    }

    /// Empties the completion queue; if there is nothing to report yet, submits and waits, with one
    /// call as a rule (`block`), and empties it again.
    public func wait(_ limit: WaitLimit, completed: inout Completions) {
      let asked = limit
      if asked == .poll { noteHowBusy(now) }
      completed.append(contentsOf: &early.pointee)
      reap(&completed)
      if !postponed.isEmpty { askForPostponed(asked, &completed) }
      let limit = resting.isEmpty ? limit : endRest(before: limit, &completed)
      // Reaping enters the kernel where work was deferred, and so may have heard of a wake already.
      if limit == .poll || hasNews(completed) {
        ring.enter(.poll, now: now)
        reap(&completed)
        // What goes from one to the other without blocking does without the clock.
        if asked == .poll { noteEnd(now) }
      } else {
        let begin = now
        noteHowBusy(begin)
        block(limit, from: begin, &completed)
        noteEnd(now)
      }
      isWoken.pointee = false
    }

    func hasNews(_ completed: Completions) -> Bool {
      !completed.isEmpty || !early.pointee.isEmpty || isWoken.pointee
    }

    /// Waits for a completion; before it blocks, it may look for one for a while.
    private func block(
      _ limit: WaitLimit, from begin: Instant, _ completed: inout Completions
    ) {
      guard ring.features.contains(.spinning) else {
        ring.enter(limit, now: now)
        return reap(&completed)
      }
      if spins.isSpinning {
        spins.spun(inVain: !ring.spin(within: limit, begin))
        ring.enter(.poll, now: now)
        reap(&completed)
        if hasNews(completed) { return }
      }
      let start = spins.isSpinning ? now : begin
      let inFlight = ring.inFlight
      ring.enter(limit, now: start)
      if !spins.isSpinning {
        spins.blocked(from: start.nanoseconds, to: now.nanoseconds, inFlight: inFlight)
      }
      reap(&completed)
    }

    /// Notes that a wait begins, and so how long coroutines have run since the last one.
    ///
    /// Who asks for much meanwhile does not compute: 8 µs each are what serving takes. The rest may
    /// be 400 µs, twice what the scheduler puts up with for a budget of switches. It may be a while
    /// until the next turn of who took more, and the others should not wait for him.
    @inline(__always)
    func noteHowBusy(_ begin: Instant) {
      let served = Int64(queues.pointee.sq.sqe_tail &- tailAtLastEnd) * 8_000
      if begin.nanoseconds - lastEnd.nanoseconds - served > 400_000 {
        busyUntil = begin + .milliseconds(20)
      }
      isBusy = begin < busyUntil
    }

    /// Notes that a wait ends: what the kernel did in it is nobody's computing.
    @inline(__always)
    func noteEnd(_ end: Instant) {
      lastEnd = end
      tailAtLastEnd = queues.pointee.sq.sqe_tail
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

    // MARK: Waking

    func watchWakeUp() {
      let entry = freeEntry()
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
