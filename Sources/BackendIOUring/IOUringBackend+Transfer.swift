#if IOUring
  import CLiburing
  import CoroutineAPI
  import Glibc

  // The short ways: the ring's, where nothing special is known of the descriptor and nobody else
  // waits; and a call at once, where that is better. `startOther` has the long one.

  extension IOUringBackend {
    /// As `start`, for what streams receive and send.
    ///
    /// - Returns: Whether the ring has it; if not, nothing was done.
    @inline(__always)
    func startTransfer(_ operation: KernelOperation.Reference) -> Bool {
      guard operation.pointer.pointee.mayWait, hasShortWay,
        operation.pointer.pointee.traits.isDisjoint(with: [.receivingEnded, .pollFirst, .datagram])
      else { return false }
      let word = Tag.operation.word(operation)
      switch operation.pointer.pointee.kind {
      case .receive(let descriptor, let buffer, let flags):
        guard let line = lines.emptyLine(descriptor, .reading),
          coro_ring_queue_transfer(
            queues, UInt8(IORING_OP_RECV.rawValue), descriptor, buffer.baseAddress, buffer.count,
            flags, word)
        else { return false }
        line.pointee = OperationList(operation)
        return true
      case .send(let descriptor, let bytes, let flags):
        guard !isCallBetterOnStream, let line = lines.emptyLine(descriptor, .writing),
          coro_ring_queue_transfer(
            queues, UInt8(IORING_OP_SEND.rawValue), descriptor, bytes.baseAddress, bytes.count,
            flags | CInt(MSG_DONTWAIT), word)
        else { return false }
        line.pointee = OperationList(operation)
        return true
      default:
        return false
      }
    }

    /// Whether an ordinary call is better than an entry for what will hardly have to wait.
    ///
    /// It is where no other entry waits for the kernel to be entered, as entering is no cheaper
    /// than the call; and where the loop is busy: the entry's turn may be long in coming, and its
    /// completion waits for another one.
    private var isCallBetter: Bool { isBusy || io_uring_sq_ready(queues) == 0 }

    /// As `isCallBetter`, for a stream.
    ///
    /// Who sends on a stream mostly receives next, and for that entry the kernel is entered anyway:
    /// so an entry is better as soon as anything is in flight but the poll of the eventfd.
    @inline(__always)
    private var isCallBetterOnStream: Bool { isBusy || ring.inFlight <= 1 }

    /// Makes the call for what is written, and for what comes to a datagram socket, if that is
    /// better: many send to one such socket, so that as a rule something is there.
    ///
    /// - Returns: Whether it finished.
    func endsAtOnce(_ operation: KernelOperation.Reference) -> Bool {
      let traits = operation.pointer.pointee.traits
      switch operation.pointer.pointee.kind {
      case .send, .sendMessage: break
      case .write:
        // Of a pipe it saves nothing, as its reader has to be heard of from the ring, unless the
        // loop has both ends: then `startPaired` has tried.
        // Nor of a socket, which the ring writes to with a flag that the call has not.
        guard isBusy, operation.pointer.pointee.peer < 0,
          traits.isDisjoint(with: [.pollFirst, .socket])
        else { return false }
      case .receive, .receiveMessage:
        guard traits.contains(.datagram), !traits.contains(.receivingEnded) else { return false }
      default:
        return false
      }
      guard isCallBetter, lines.isEmpty(for: operation) else { return false }
      let result = operation.attempt()
      operation.pointer.pointee.result = result
      if result == -Int(EBADF) { strandEarlyIfClosed(operation) }
      return result != -Int(EAGAIN)
    }
  }
#endif
