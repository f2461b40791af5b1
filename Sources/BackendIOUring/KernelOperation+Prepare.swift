#if IOUring
  import CLiburing
  import CoroutineAPI
  import Glibc

  extension KernelOperation.Reference {
    /// Fills a submission entry with what the operation asks.
    ///
    /// No MSG_DONTWAIT for what receives, and no RWF_NOWAIT: the kernel itself waits, and an
    /// operation that may not wait does not come here.
    ///
    /// But a kernel that waits with a send does it badly (seen on Linux 6.18), so with MSG_DONTWAIT
    /// it says EAGAIN, and the call is made anew when there is room. It is woken by what is no good
    /// for it, too (the peer has ended its sending, urgent data lie there), and after some tries in
    /// vain has a thread of its own wait. And of a packet that finds the receiver's queue full it
    /// has read the bytes already: when there is room, an empty datagram arrives.
    @inline(__always)
    func prepare(_ entry: UnsafeMutablePointer<io_uring_sqe>) {
      // The offset that stands for the descriptor's own position.
      let atPosition = UInt64.max
      switch pointer.pointee.kind {
      case .receive(let descriptor, let buffer, let flags):
        io_uring_prep_recv(entry, descriptor, buffer.baseAddress, buffer.count.atOnce, flags)
      case .send(let descriptor, let bytes, let flags):
        io_uring_prep_send(
          entry, descriptor, bytes.baseAddress, bytes.count.atOnce, flags | CInt(MSG_DONTWAIT))
      case .receiveMessage(let descriptor, let message, let flags):
        io_uring_prep_recvmsg(entry, descriptor, message, UInt32(bitPattern: flags))
      case .sendMessage(let descriptor, let message, let flags):
        io_uring_prep_sendmsg(
          entry, descriptor, message, UInt32(bitPattern: flags | CInt(MSG_DONTWAIT)))
      case .read(let descriptor, let buffer):
        io_uring_prep_read(
          entry, descriptor, buffer.baseAddress, UInt32(buffer.count.atOnce), atPosition)
      case .write(let descriptor, let bytes) where pointer.pointee.traits.contains(.socket):
        io_uring_prep_send(
          entry, descriptor, bytes.baseAddress, bytes.count.atOnce,
          CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
      case .write(let descriptor, let bytes):
        io_uring_prep_write(
          entry, descriptor, bytes.baseAddress, UInt32(bytes.count.atOnce), atPosition)
      case .accept(let descriptor, let address, let length):
        io_uring_prep_accept(entry, descriptor, address, length, CInt(SOCK_CLOEXEC.rawValue))
      case .connect(let descriptor, let address, let length):
        io_uring_prep_connect(entry, descriptor, address, length)
      case .poll, .close, .forget, .introduce, .call:
        fatalError("The ring polls for it, or it never waits: it is not submitted as it stands.")
      }
      io_uring_sqe_set_data64(entry, Tag.operation.word(self))
    }
  }

  extension Int {
    /// This many bytes, or what one entry can carry: its length has 32 bits, and MAX_RW_COUNT is
    /// less.
    fileprivate var atOnce: Int { Swift.min(self, 0x7fff_f000) }
  }
#endif
