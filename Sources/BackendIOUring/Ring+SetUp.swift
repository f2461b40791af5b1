#if IOUring
  import CLiburing
  import CoroutineAPI
  import Glibc

  extension Ring {
    /// Makes a ring in this memory, with as much of what is wanted as the kernel has.
    ///
    /// - Returns: What it has.
    /// - Throws: `unavailable`, with the reason and the remedy.
    static func setUp(
      _ ring: UnsafeMutablePointer<io_uring>, _ settings: Settings, requiresDeferredWork: Bool
    ) throws(CoroutineError) -> Features {
      var features: Features = []
      var parameters = io_uring_params()
      var result: CInt = -EINVAL
      for attempt in settings.features.attempts {
        features = attempt
        if requiresDeferredWork && !attempt.contains(.deferTaskrun) { throw deferringUnavailable }
        parameters = io_uring_params()
        parameters.flags = attempt.setUpFlags
        if attempt.contains(.completionQueueSize) {
          parameters.cq_entries = UInt32(settings.completionEntries)
        }
        result = io_uring_queue_init_params(UInt32(settings.entries), ring, &parameters)
        // The answer to a flag that is not known.
        if result != -EINVAL { break }
      }
      guard result == 0 else { throw unavailable(-result) }
      features = features.reported(parameters.features)
      guard features.contains(.noDrop) else {
        io_uring_queue_exit(ring)
        throw CoroutineError(
          .unavailable, call: "the io_uring backend", operands: "(nodrop)",
          detail: "this kernel drops completions that find no room (before Linux 5.5), or "
            + "COROUTINE_IO_URING_DISABLE says so; use the epoll backend")
      }
      return features.supported(by: ring).consistent
    }

    private static var deferringUnavailable: CoroutineError {
      CoroutineError(
        .unavailable, call: "the io_uring backend", operands: "(defer-taskrun)",
        detail: "this kernel can't defer its work (before Linux 6.1), or "
          + "COROUTINE_IO_URING_DISABLE says so; use the epoll backend, which is faster then")
    }

    /// Why there is no ring, and what can be done about it.
    static func unavailable(_ reason: CInt, in call: String = "io_uring_setup") -> CoroutineError {
      let remedy =
        switch reason {
        case EPERM, EACCES:
          "io_uring is denied here: sysctl kernel.io_uring_disabled, or a container's seccomp "
            + "profile (Docker's default denies it); allow it there, or use the epoll backend"
        case ENOSYS, EINVAL:
          "this kernel has no io_uring, or a sandbox hides it, or it is older than needed "
            + "(Linux 5.5, and 6.1 to be chosen by itself); use the epoll backend"
        case ENOMEM:
          "the limit of locked memory is too small: raise it (ulimit -l), or use the epoll backend"
        case EMFILE, ENFILE:
          "raise the limit of open descriptors (ulimit -n)"
        default:
          "use the epoll backend"
        }
      return CoroutineError(
        .unavailable, errno: .init(rawValue: reason), call: "the io_uring backend",
        operands: "(\(call))", detail: remedy)
    }
  }
#endif
