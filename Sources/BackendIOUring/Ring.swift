#if IOUring
  import CLiburing
  import CLinux
  import CoroutineAPI
  import Glibc

  /// One ring: set up with what the kernel has, entered once a turn.
  final class Ring {
    private let ring: UnsafeMutablePointer<io_uring>

    // MARK: Set-up

    /// The flags, best first.
    ///
    /// Each is safe for us because one thread alone uses the ring. There is no third set, for
    /// kernels before 5.19: until 5.18 `accept` on a descriptor in non-blocking mode failed instead
    /// of waiting. All else that the code rests on (EXT_ARG, NODROP, FAST_POLL, RW_CUR_POS) came
    /// before.
    ///
    /// - SINGLE_ISSUER (6.0): the kernel takes no lock for others who might submit.
    /// - DEFER_TASKRUN (6.1): completions are worked on when we wait, in one batch, and not
    ///   whenever the thread enters the kernel.
    /// - COOP_TASKRUN (5.19): the lesser form: no interrupt of the thread for them.
    /// - TASKRUN_FLAG (5.19): a flag in shared memory says that there is such work, so that a poll
    ///   without any costs no call.
    /// - SUBMIT_ALL (5.18): an entry that fails does not hold back those behind it.
    /// - CQSIZE (5.5): completions come in larger bursts than submissions.
    private static let flagSets: [UInt32] = [
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG
        | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
      IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL
        | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
    ]

    init(entries: Int, requiresDeferredWork: Bool) throws(CoroutineError) {
      ring = .allocate(capacity: 1)
      ring.initialize(to: io_uring())
      var result: CInt = -EINVAL
      for flags in requiresDeferredWork ? Self.flagSets.prefix(1) : Self.flagSets[...] {
        var parameters = io_uring_params()
        parameters.flags = flags
        parameters.cq_entries = UInt32(clamping: min(max(entries, 4), 1 << 24) * 8)
        result = io_uring_queue_init_params(UInt32(clamping: entries), ring, &parameters)
        if result != -EINVAL { break }
      }
      guard result == 0 else {
        ring.deallocate()
        throw Self.unavailable(-result)
      }
    }

    private static func unavailable(_ reason: CInt) -> CoroutineError {
      let remedy =
        switch reason {
        case EPERM:
          "io_uring is denied here: sysctl kernel.io_uring_disabled, or a container's seccomp "
            + "profile (Docker's default denies it); allow it there, or use the epoll backend"
        case ENOSYS, EINVAL:
          "this kernel has no io_uring, or a sandbox hides it, or it is older than needed "
            + "(5.19, and 6.1 to be chosen by itself); use the epoll backend"
        case ENOMEM:
          "the limit of locked memory is too small: raise it (ulimit -l), or use the epoll backend"
        case EMFILE, ENFILE:
          "raise the limit of open descriptors (ulimit -n)"
        default:
          "use the epoll backend"
        }
      return CoroutineError(
        .unavailable, errno: .init(rawValue: reason), call: "the io_uring backend",
        operands: "(io_uring_setup)", detail: remedy)
    }

    func close() {
      io_uring_queue_exit(ring)
      ring.deallocate()
    }

    /// In a forked child.
    ///
    /// Not `io_uring_queue_exit`, which may ask something of the parent's ring. A mapping would keep
    /// the ring alive after the parent's end.
    func abandon() {
      let (entries, results) = (ring.pointee.sq, ring.pointee.cq)
      munmap(entries.sqes, Int(entries.ring_entries) * MemoryLayout<io_uring_sqe>.stride)
      if results.ring_ptr != entries.ring_ptr { munmap(results.ring_ptr, results.ring_sz) }
      munmap(entries.ring_ptr, entries.ring_sz)
      _ = CLinux.close(ring.pointee.ring_fd)
    }

    // MARK: Submitting

    /// A free submission entry, cleared by whoever prepares it.
    ///
    /// A full queue is normal: it is submitted. If the kernel refuses because completions wait, or
    /// for lack of memory, `makingRoom` takes those out. So entries reach the kernel in the order
    /// in which they were asked for, and a cancellation can't overtake the operation it is for, nor
    /// come after a later one at the same address.
    @inline(__always)
    func entry(makingRoom: () -> Void) -> UnsafeMutablePointer<io_uring_sqe> {
      if let entry = io_uring_get_sqe(ring) { return entry }
      return entryAfterSubmitting(makingRoom)
    }

    @inline(never)
    private func entryAfterSubmitting(
      _ makingRoom: () -> Void
    ) -> UnsafeMutablePointer<io_uring_sqe> {
      while true {
        let result = io_uring_submit(ring)
        if let entry = io_uring_get_sqe(ring) { return entry }
        switch -result {
        case EBUSY, EAGAIN, EINTR, 0:
          _ = io_uring_get_events(ring)
          makingRoom()
        default:
          fatalError("io_uring_enter failed with errno \(-result).")
        }
      }
    }

    // MARK: Entering the kernel

    /// Submits what is queued and waits for a completion, with one call, or none if there is
    /// nothing to do.
    func enter(_ limit: WaitLimit, now: @autoclosure () -> Instant) {
      switch limit {
      case .poll:
        if io_uring_sq_ready(ring) > 0 || hasWork {
          _ = io_uring_submit_and_get_events(ring)
        }
      case .until(let deadline) where deadline != .distantFuture:
        let nanoseconds = max(0, deadline.nanoseconds - now().nanoseconds)
        var time = __kernel_timespec()
        time.tv_sec = nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        var entry: UnsafeMutablePointer<io_uring_cqe>?
        _ = io_uring_submit_and_wait_timeout(ring, &entry, 1, &time, nil)
      case .until, .forever:
        // ETIME, EINTR and EBUSY all mean: look at the queue, and come again.
        _ = io_uring_submit_and_wait(ring, 1)
      }
    }

    /// Whether the kernel holds back work for our next call, or completions that had no room.
    private var hasWork: Bool {
      let flags = UnsafeMutablePointer<UInt32>(ring.pointee.sq.kflags)?.pointee ?? 0
      return flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW) != 0
    }

    // MARK: Completions

    /// Takes the next completion out: the word that its entry carried, and the result.
    @inline(__always)
    func nextCompletion() -> (word: UInt64, result: CInt)? {
      var entry: UnsafeMutablePointer<io_uring_cqe>?
      guard io_uring_peek_batch_cqe(ring, &entry, 1) == 1, let entry else { return nil }
      let completion = (entry.pointee.user_data, entry.pointee.res)
      io_uring_cq_advance(ring, 1)
      return completion
    }
  }
#endif
