import CLinux
import Glibc

/// The system calls that never wait.
///
/// They go through the seam like everything else, so that a backend that simulates can take the
/// kernel's place; one that talks to the kernel answers them with `perform()`.
///
/// There are no more than 16: with another bit to tell them apart every operation gets dearer.
public enum SystemCall {
  /// socket(2); the result is the descriptor.
  case socket(domain: CInt, type: CInt, protocol: CInt)
  /// socketpair(2).
  case socketPair(domain: CInt, type: CInt, protocol: CInt, ends: UnsafeMutablePointer<CInt>)
  /// pipe2(2).
  case pipe(flags: CInt, ends: UnsafeMutablePointer<CInt>)
  /// bind(2).
  case bind(CInt, UnsafePointer<sockaddr>, socklen_t)
  /// connect(2) where it decides at once: of a datagram socket, and with AF_UNSPEC.
  case connectNow(CInt, UnsafePointer<sockaddr>, socklen_t)
  /// listen(2).
  case listen(CInt, backlog: CInt)
  /// shutdown(2).
  case shutdown(CInt, how: CInt)
  /// getsockname(2).
  case localAddress(CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>)
  /// getpeername(2).
  case remoteAddress(CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>)
  /// setsockopt(2).
  case setOption(CInt, level: CInt, name: CInt, UnsafeRawBufferPointer)
  /// getsockopt(2).
  case getOption(
    CInt, level: CInt, name: CInt, UnsafeMutableRawPointer, UnsafeMutablePointer<socklen_t>)
  /// recvmsg(2) of what lies beside the data: urgent data, the error queue.
  ///
  /// Never waits: -EAGAIN or -EINVAL say that there is none.
  case receiveAside(CInt, UnsafeMutablePointer<msghdr>, flags: CInt)
  /// poll(2) that does not wait; the result is what is pending of the events, POLLHUP and POLLERR.
  case pollNow(CInt, events: Int16)
  /// fstat(2).
  case status(CInt, UnsafeMutablePointer<stat>)
  /// Something about the descriptor, whose answer is the result.
  case ask(CInt, Question)
  /// splice(2) at the descriptors' own positions, with SPLICE_F_NONBLOCK: a pipe is not waited for.
  case splice(from: CInt, to: CInt, count: Int)

  /// What can be asked of a descriptor alone.
  public enum Question {
    /// sockatmark(3): 1 or 0.
    case isAtMark
    /// isatty(3): 1 or 0.
    case isTerminal
    /// fcntl(2) with F_GETFL: the flags.
    case statusFlags
  }

  /// Whose behaviour the call changes, nil if nobody's: a backend must have begun by then what was
  /// asked of this descriptor before.
  public var changedDescriptor: CInt? {
    switch self {
    case .bind(let descriptor, _, _), .connectNow(let descriptor, _, _),
      .shutdown(let descriptor, _), .setOption(let descriptor, _, _, _):
      descriptor
    default: nil
    }
  }

  /// Makes the call.
  ///
  /// - Returns: What the kernel returned, or a negated errno value.
  public func perform() -> Int {
    let result: CInt
    switch self {
    case .socket(let domain, let type, let number):
      result = CLinux.socket(domain, type, number)
    case .socketPair(let domain, let type, let number, let ends):
      result = socketpair(domain, type, number, ends)
    case .pipe(let flags, let ends):
      result = coro_pipe2(ends, flags)
    case .bind(let descriptor, let address, let length):
      result = CLinux.bind(descriptor, address, length)
    case .connectNow(let descriptor, let address, let length):
      result = CLinux.connect(descriptor, address, length)
    case .listen(let descriptor, let backlog):
      result = CLinux.listen(descriptor, backlog)
    case .shutdown(let descriptor, let how):
      result = CLinux.shutdown(descriptor, how)
    case .localAddress(let descriptor, let address, let length):
      result = getsockname(descriptor, address, length)
    case .remoteAddress(let descriptor, let address, let length):
      result = getpeername(descriptor, address, length)
    case .setOption(let descriptor, let level, let name, let value):
      result = setsockopt(
        descriptor, level, name, value.baseAddress, socklen_t(value.count))
    case .getOption(let descriptor, let level, let name, let value, let length):
      result = getsockopt(descriptor, level, name, value, length)
    case .receiveAside(let descriptor, let message, let flags):
      let count = recvmsg(descriptor, message, flags | CInt(MSG_DONTWAIT))
      return count < 0 ? -Int(errno) : count
    case .pollNow(let descriptor, let events):
      result = coro_poll_events(descriptor, events)
    case .status(let descriptor, let buffer):
      result = fstat(descriptor, buffer)
    case .ask(let descriptor, .isAtMark):
      result = sockatmark(descriptor)
    case .ask(let descriptor, .isTerminal):
      result = isatty(descriptor)
    case .ask(let descriptor, .statusFlags):
      result = fcntl(descriptor, F_GETFL)
    case .splice(let source, let target, let count):
      let count = coro_splice_nowait(source, target, count)
      return count < 0 ? -Int(errno) : count
    }
    return result < 0 ? -Int(errno) : Int(result)
  }
}
