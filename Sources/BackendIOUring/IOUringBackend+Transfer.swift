#if IOUring
  import CLiburing
  import CoroutineAPI

  // The short way of what is received and sent where nothing special is known of the descriptor and
  // nobody else waits; everything else is done as `startOther` does it.

  extension IOUringBackend {
    /// As `start`, for `receive` and `send`.
    ///
    /// - Returns: Whether the ring has it; if not, nothing was done.
    @inline(__always)
    func startTransfer(_ operation: KernelOperation.Reference) -> Bool {
      guard operation.pointer.pointee.mayWait, isPlainlyTheRings(operation) else { return false }
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

    /// Whether a receive or a send is the kernel's to do, whichever descriptor it is for.
    @inline(__always)
    private func isPlainlyTheRings(_ operation: KernelOperation.Reference) -> Bool {
      operation.pointer.pointee.traits.isDisjoint(with: [.receivingEnded, .pollFirst])
        && ring.doesEverything
    }
  }
#endif
