#if IOUring
  import CLiburing
  import CLinux
  import CoroutineAPI
  import Glibc

  // The end of a descriptor on which somebody still waits: it was closed through another object, or
  // behind our back.
  //
  // The ring keeps the open file of an operation in flight alive, whatever becomes of the number.
  // So whoever gets the number next would stand in line behind somebody who waits on the former
  // file, perhaps for ever.

  extension IOUringBackend {
    /// Reports everyone who waits on a descriptor with EBADF, once the ring has let go of them.
    func strand(_ descriptor: CInt, _ failed: inout Completions) {
      while let operation = lines.popFirst(descriptor) {
        if operation.place == .line {
          operation.place = .finished
          operation.pointer.pointee.result = -Int(EBADF)
          failed.append(operation)
        } else {
          // First the word: making room for the cancellation may find the operation's completion.
          operation.place = .stranded
          if !operation.pointer.pointee.isCancelled { cancelInRing(operation) }
        }
      }
      lines.identities?.forget(descriptor)
    }

    /// See `strand`; to be reported next.
    @inline(never)
    func strandEarly(_ descriptor: CInt) {
      // What the kernel has not seen yet would be done to whoever has the number by then.
      settle()
      var failed = Completions()
      strand(descriptor, &failed)
      // Nor what settling has queued: whoever was next in line.
      settle()
      early.pointee.append(contentsOf: &failed)
    }

    /// See `strand`; after an EBADF.
    func strandEarlyIfClosed(_ operation: KernelOperation.Reference) {
      if isClosed(operation) { strandEarly(operation.pointer.pointee.descriptor) }
    }

    /// Whether the number is nobody's; EBADF is also how a descriptor refuses the wrong direction.
    @inline(never)
    func isClosed(_ operation: KernelOperation.Reference) -> Bool {
      coro_is_open(operation.pointer.pointee.descriptor) == 0
    }

    // MARK: Another file under the same number

    /// Strands who waits on a number, unless it is the open file that the number means now.
    @inline(never)
    func strandIfReused(_ descriptor: CInt) {
      // What has finished is not to be taken for a stranger's.
      settle()
      guard lines.isInUse(descriptor), !isSameFile(descriptor) else { return }
      strandEarly(descriptor)
    }

    /// Asks the kernel whether the operations in flight on a number are its present file's.
    ///
    /// If a cancellation by descriptor finds something to cancel, the files are one, and what it
    /// found is attempted and polled for: see `interrupted`.
    private func isSameFile(_ descriptor: CInt) -> Bool {
      if let identities = lines.identities { return identities.isSame(descriptor) }
      // Disturbed, a connection could not be continued; and it ends by itself.
      if lines.isConnecting(descriptor) { return true }
      let entry = freeEntry()
      io_uring_prep_cancel_fd(entry, descriptor, 0)
      io_uring_sqe_set_data64(entry, Tag.probe.rawValue)
      probeResult = nil
      while probeResult == nil { settle() }
      return probeResult != -ENOENT && probeResult != -EBADF
    }

    /// Has the kernel begin what was asked of a descriptor: everybody in line whom it serves at
    /// once.
    func settle(_ descriptor: CInt) {
      var former: KernelOperation.Reference?
      repeat {
        former = lines.firstWriter(descriptor)
        settle()
      } while lines.firstWriter(descriptor) != former
    }

    /// Submits what is queued, and takes in what has finished.
    ///
    /// Not what taking in queues anew: there may be some each time.
    private func settle() {
      var rest = ring.unsubmittedCount
      repeat {
        let before = ring.unsubmittedCount
        ring.enter(.poll, now: now)
        rest -= before - ring.unsubmittedCount
        reap(&early.pointee)
        // Making room for what taking in queues may have submitted them too.
        rest = min(rest, ring.unsubmittedCount)
      } while rest > 0
    }
  }

  extension Features {
    /// Linux 5.19, as are the flags of set-up that are asked for here.
    var cancelsByDescriptor: Bool {
      // Who rests is in no poll that it would find.
      isSuperset(of: [.asyncCancel, .pollMultishot])
        && !isDisjoint(with: [.singleIssuer, .deferTaskrun, .coopTaskrun])
    }
  }

  /// Tells open files apart where the ring can't: an epoll set in which each stands while somebody
  /// waits on it, and for no event.
  struct FileIdentities {
    private let epoll = epoll_create1(CInt(EPOLL_CLOEXEC))

    func note(_ descriptor: CInt) {
      _ = coro_epoll_add(epoll, descriptor, 0, 0)
    }

    func forget(_ descriptor: CInt) {
      _ = coro_epoll_delete(epoll, descriptor)
    }

    /// Whether the number means the file that was noted; where epoll can't tell, it counts as it.
    ///
    /// EPERM is said of a file that epoll does not take: nobody waits on such a one, so it is
    /// another than the one that is waited on.
    func isSame(_ descriptor: CInt) -> Bool {
      guard epoll >= 0 else { return true }
      return coro_epoll_add(epoll, descriptor, 0, 0) != 0 && errno != EBADF && errno != EPERM
    }

    func close() {
      _ = CLinux.close(epoll)
    }
  }
#endif
