#if IOUring
  import CLiburing
  import CLinux
  import CoroutineAPI
  import Glibc

  /// What the ring says of one of its entries.
  struct Completion {
    /// What the entry carried.
    let word: UInt64
    let result: CInt
    /// No other one follows for the same entry.
    let isLast: Bool
  }

  /// One ring: set up with what the kernel has, entered once a turn.
  final class Ring {
    let ring: UnsafeMutablePointer<io_uring>
    /// What the kernel has of what may be used.
    let features: Features
    /// Every operation is the kernel's to do.
    let doesEverything: Bool

    // MARK: Set-up

    /// A ring with these settings; each of its flags is safe for us because one thread alone uses
    /// it.
    init(_ settings: Settings, requiresDeferredWork: Bool) throws(CoroutineError) {
      ring = .allocate(capacity: 1)
      ring.initialize(to: io_uring())
      do throws(CoroutineError) {
        features = try Self.setUp(ring, settings, requiresDeferredWork: requiresDeferredWork)
      } catch {
        ring.deallocate()
        throw error
      }
      doesEverything = features.isSuperset(of: Features.operations.union(.pipeNoWait))
    }

    /// Submits what is queued at the start, so that a sandbox which denies entering shows then, and
    /// not when a coroutine waits.
    func begin() throws(CoroutineError) {
      let result = io_uring_submit(ring)
      switch -result {
      case EBUSY, EAGAIN, EINTR: return
      default: if result < 0 { throw Self.unavailable(-result, in: "io_uring_enter") }
      }
    }

    /// Whether the operation is the kernel's to do, from beginning to end.
    func does(_ operation: KernelOperation.Reference) -> Bool {
      let opcode = operation.pointer.pointee.kind.opcode
      if !features.contains(.pipeNoWait), !opcode.isDisjoint(with: [.read, .write]) {
        return false
      }
      return features.isSuperset(of: opcode)
    }

    func close() {
      io_uring_queue_exit(ring)
      ring.deallocate()
    }

    /// In a forked child.
    ///
    /// Not `io_uring_queue_exit`, which may ask something of the parent's ring. A mapping would
    /// keep the ring alive after the parent's end.
    func abandon() {
      let (entries, results) = (ring.pointee.sq, ring.pointee.cq)
      munmap(entries.sqes, Int(entries.ring_entries) * MemoryLayout<io_uring_sqe>.stride)
      if results.ring_ptr != entries.ring_ptr { munmap(results.ring_ptr, results.ring_sz) }
      munmap(entries.ring_ptr, entries.ring_sz)
      _ = CLinux.close(ring.pointee.ring_fd)
    }

    // MARK: Submitting

    /// A free submission entry, cleared; nil if the queue is full.
    @inline(__always)
    func nextEntry() -> UnsafeMutablePointer<io_uring_sqe>? {
      coro_ring_next_entry(ring)
    }

    /// Submits what is queued, so that there is a free entry.
    ///
    /// - Returns: nil if the kernel refuses, because completions wait or for lack of memory: they
    ///   can be taken out then.
    @inline(never)
    func entryAfterSubmitting() -> UnsafeMutablePointer<io_uring_sqe>? {
      let result = io_uring_submit(ring)
      if let entry = nextEntry() {
        refusals = 0
        return entry
      }
      refused(result < 0 ? -result : EBUSY)
      _ = io_uring_get_events(ring)
      return nil
    }

    // MARK: Entering the kernel

    /// Submits what is queued and waits for a completion, with one call, or none if there is
    /// nothing to do.
    func enter(_ limit: WaitLimit, now: @autoclosure () -> Instant) {
      let result: CInt
      switch limit {
      case .poll:
        guard hasUnsubmitted || hasWork else { return }
        result = io_uring_submit_and_get_events(ring)
      case .until(let deadline) where deadline != .distantFuture:
        let nanoseconds = max(0, deadline.nanoseconds - now().nanoseconds)
        result = enter(forNanoseconds: nanoseconds)
      case .until, .forever:
        result = io_uring_submit_and_wait(ring, 1)
      }
      if result < 0 { refused(-result) } else if refusals != 0 { refusals = 0 }
    }

    /// Submits what is queued, and looks for a sign of a completion for `SpinPolicy.limit`, or
    /// until a deadline that comes before.
    ///
    /// - Returns: Whether there is one.
    func spin(within limit: WaitLimit, _ now: Instant) -> Bool {
      if hasUnsubmitted { enter(.poll, now: now) }
      var end = now.nanoseconds + SpinPolicy.limit
      if case .until(let deadline) = limit { end = min(end, deadline.nanoseconds) }
      return coro_ring_spin(ring, end)
    }

    private func enter(forNanoseconds nanoseconds: Int64) -> CInt {
      if features.contains(.extendedArgument) {
        var time = __kernel_timespec()
        time.tv_sec = nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        var entry: UnsafeMutablePointer<io_uring_cqe>?
        return io_uring_submit_and_wait_timeout(ring, &entry, 1, &time, nil)
      }
      // Submits, and waits for a completion with a call of its own: not with a TIMEOUT operation,
      // which would go on after the wait and have to be taken back when a deadline moves.
      let result = io_uring_submit_and_get_events(ring)
      var entry: UnsafeMutablePointer<io_uring_cqe>?
      guard result >= 0, io_uring_peek_batch_cqe(ring, &entry, 1) == 0,
        io_uring_sq_ready(ring) == 0
      else { return result }
      coro_poll_for(ring.pointee.ring_fd, Int16(POLLIN), nanoseconds)
      return io_uring_get_events(ring)
    }

    // MARK: Refusals

    /// How often in a row the kernel refused to be entered.
    @exclusivity(unchecked) private var refusals = 0

    /// Judges why the kernel refused to be entered.
    ///
    /// Entries that it did not take stay in the queue, and the next call takes them. So a refusal
    /// that may pass is no matter: whoever called takes completions out and comes again. What
    /// cannot pass ends the process, because the loop would spin for ever.
    @inline(never)
    private func refused(_ reason: CInt) {
      switch reason {
      case EINTR, ETIME:
        return
      case EBUSY, EAGAIN, ENOMEM:
        // Completions have no room, or the kernel has no memory: the first is over when they are
        // taken out; for the other nothing helps but time.
        refusals += 1
        guard refusals > 1_000 else {
          usleep(UInt32(min(refusals - 1, 10)) * 1_000)
          return
        }
        Self.fail(reason, "and has done so for 1,000 calls in a row")
      case EBADR:
        Self.fail(reason, "the kernel had no memory for a completion, and somebody waits for it")
      case EBADF, EOPNOTSUPP:
        Self.fail(reason, "was the ring's descriptor closed by other code?")
      default:
        Self.fail(reason, "the ring can't be used")
      }
    }

    private static func fail(_ reason: CInt, _ detail: String) -> Never {
      let name = coro_errno_name(reason).map { String(cString: $0) } ?? "errno \(reason)"
      fatalError("io_uring_enter failed with \(name): \(detail)")
    }

    /// Whether the kernel holds back work for our next call, or completions that had no room.
    private var hasWork: Bool { features.hidesWork || showsWork }

    /// Whether a flag in shared memory says so.
    private var showsWork: Bool {
      kernelFlags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW) != 0
    }

    /// Whether entries wait for the next call.
    var hasUnsubmitted: Bool { unsubmittedCount > 0 }

    /// How many.
    var unsubmittedCount: Int { Int(io_uring_sq_ready(ring)) }

    /// Whether completions wait outside the queue, because it was full.
    var hasOverflow: Bool { kernelFlags & IORING_SQ_CQ_OVERFLOW != 0 }

    private var kernelFlags: UInt32 {
      UnsafeMutablePointer<UInt32>(ring.pointee.sq.kflags)?.pointee ?? 0
    }

    // MARK: Completions

    /// How many completions were taken out that others follow for the same entry.
    @exclusivity(unchecked) private var intermediateCount: UInt32 = 0

    /// How many entries have yet to complete, those that wait for the next call too.
    var inFlight: Int {
      // Both count on and on, and wrap around.
      Int(ring.pointee.sq.sqe_tail &- (ring.pointee.cq.khead.pointee &- intermediateCount))
    }

    /// Takes the next completion out.
    @inline(__always)
    func nextCompletion() -> Completion? {
      guard let entry = coro_ring_peek(ring) ?? hiddenCompletion() else { return nil }
      let completion = Completion(
        word: entry.pointee.user_data, result: entry.pointee.res,
        isLast: entry.pointee.flags & IORING_CQE_F_MORE == 0)
      coro_ring_advance(ring, ring.pointee.cq.khead.pointee &+ 1)
      if !completion.isLast { intermediateCount &+= 1 }
      return completion
    }

    /// What the kernel says that it has, and gives only when it is called.
    @inline(__always)
    private func hiddenCompletion() -> UnsafePointer<io_uring_cqe>? {
      showsWork ? askForCompletion() : nil
    }

    /// Has the kernel fill the queue, if that is empty and there is something to fill it with.
    @inline(__always)
    func fetchHidden() {
      if coro_ring_peek(ring) == nil, showsWork { _ = askForCompletion() }
    }

    @inline(never)
    private func askForCompletion() -> UnsafePointer<io_uring_cqe>? {
      var entry: UnsafeMutablePointer<io_uring_cqe>?
      guard io_uring_peek_batch_cqe(ring, &entry, 1) == 1 else { return nil }
      return UnsafePointer(entry)
    }
  }
#endif
