#if IOUring
  import CLiburing
  import CoroutineAPI
  import Glibc

  // The short ways, where nothing special is known of the descriptor and nobody else waits;
  // everything else is done as `startOther` does it.

  extension IOUringBackend {
    /// As `start`, for what streams receive and send.
    ///
    /// - Returns: Whether the ring has it; if not, nothing was done.
    @inline(__always)
    func startTransfer(_ operation: KernelOperation.Reference) -> Bool {
      guard operation.pointer.pointee.mayWait,
        operation.pointer.pointee.traits.isDisjoint(with: [.receivingEnded, .pollFirst, .datagram]),
        ring.doesEverything
      else { return false }
      switch operation.pointer.pointee.kind {
      case .receive(let descriptor, let buffer, let flags):
        guard lines.begin(operation, .reading) else { return false }
        operation.prepare(freeEntry(), receive: descriptor, buffer, flags)
        return true
      case .send(let descriptor, let bytes, let flags):
        guard lines.begin(operation, .writing) else { return false }
        operation.prepare(freeEntry(), send: descriptor, bytes, flags)
        return true
      default:
        return false
      }
    }

    /// Makes the call for a datagram socket, unless entries wait for the kernel to be entered.
    ///
    /// Many send to one such socket, so that as a rule something is there, and there is room. The
    /// ring has one operation a direction, and would need a turn of the loop for each datagram.
    ///
    /// - Returns: Whether it finished.
    func endsAtOnce(_ operation: KernelOperation.Reference) -> Bool {
      switch operation.pointer.pointee.kind {
      case .receive, .receiveMessage, .send, .sendMessage: break
      default: return false
      }
      let traits = operation.pointer.pointee.traits
      guard traits.contains(.datagram), !traits.contains(.receivingEnded), !ring.hasUnsubmitted,
        lines.isEmpty(for: operation)
      else { return false }
      let result = operation.attempt()
      operation.pointer.pointee.result = result
      if result == -Int(EBADF) { strandEarlyIfClosed(operation) }
      return result != -Int(EAGAIN)
    }
  }
#endif
