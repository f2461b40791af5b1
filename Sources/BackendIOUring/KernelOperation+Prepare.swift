#if IOUring
  import CLiburing
  import CoroutineAPI
  import Glibc

  extension KernelOperation.Reference {
    /// Fills a submission entry with what the operation asks.
    ///
    /// No MSG_DONTWAIT and no RWF_NOWAIT: the kernel itself waits, and an operation that may not
    /// wait does not come here.
    ///
    /// But a packet is not sent by a kernel that waits. It reads the packet, finds no room for it
    /// in the receiver's queue, and when there is room it reads on from where it was: an empty
    /// datagram arrives in its place (Linux 6.18, a Unix socket that is connected to one with a
    /// name). With MSG_DONTWAIT it says EAGAIN, and the whole call is made again.
    func prepare(_ entry: UnsafeMutablePointer<io_uring_sqe>) {
      // The offset that stands for the descriptor's own position.
      let atPosition = UInt64.max
      switch pointer.pointee.kind {
      case .receive(let descriptor, let buffer, let flags):
        io_uring_prep_recv(entry, descriptor, buffer.baseAddress, buffer.count.atOnce, flags)
      case .send(let descriptor, let bytes, let flags):
        io_uring_prep_send(
          entry, descriptor, bytes.baseAddress, bytes.count.atOnce, flags | packetFlag)
      case .receiveMessage(let descriptor, let message, let flags):
        io_uring_prep_recvmsg(entry, descriptor, message, UInt32(bitPattern: flags))
      case .sendMessage(let descriptor, let message, let flags):
        io_uring_prep_sendmsg(
          entry, descriptor, message, UInt32(bitPattern: flags | packetFlag))
      case .read(let descriptor, let buffer):
        io_uring_prep_read(
          entry, descriptor, buffer.baseAddress, UInt32(buffer.count.atOnce), atPosition)
      case .write(let descriptor, let bytes):
        // The kernel asks a terminal for room and then writes in its mode, which blocks a thread.
        let count =
          pointer.pointee.traits.contains(.terminal)
          ? pointer.pointee.piece(of: bytes) : bytes.count.atOnce
        io_uring_prep_write(entry, descriptor, bytes.baseAddress, UInt32(count), atPosition)
      case .accept(let descriptor, let address, let length):
        io_uring_prep_accept(entry, descriptor, address, length, CInt(SOCK_CLOEXEC.rawValue))
      case .connect(let descriptor, let address, let length):
        io_uring_prep_connect(entry, descriptor, address, length)
      case .poll, .close, .forget, .introduce, .call:
        fatalError("The ring polls for it, or it never waits: it is not submitted as it stands.")
      }
    }

    private var packetFlag: CInt {
      pointer.pointee.traits.contains(.packets) ? CInt(MSG_DONTWAIT) : 0
    }
  }

  extension Int {
    /// This many bytes, or what one entry can carry: its length has 32 bits, and MAX_RW_COUNT is
    /// less.
    fileprivate var atOnce: Int { Swift.min(self, 0x7fff_f000) }
  }
#endif
