public import CLinux
import Glibc

extension KernelOperation.Reference {
  /// Makes the non-blocking call that this operation stands for, once.
  ///
  /// This is the whole of an operation on a readiness backend, which repeats it when the kernel
  /// says so; a completion backend needs it for operations that may not wait. It never blocks,
  /// whatever the descriptor's mode, except on regular files, and `connect` on a descriptor whose
  /// owner keeps it in blocking mode.
  ///
  /// - Returns: A count or a descriptor, or a negated errno value; -EAGAIN: not ready.
  public func attempt() -> Int {
    while true {
      let result = attemptOnce()
      if result != -Int(EINTR) { return result }
    }
  }

  /// As `attempt`, for who has seen already that it is `Kind.receive` with these operands.
  @inlinable @inline(__always)
  public func receive(
    _ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer, _ flags: CInt
  ) -> Int {
    let result = receiveOnce(descriptor, buffer, flags)
    return result == -Int(EINTR) ? attempt() : result
  }

  /// As `attempt`, for a read from a pipe in which bytes are known to be: read(2) itself.
  ///
  /// See `KernelOperation.Hints.privatePipe`.
  ///
  /// - Returns: nil: it is to be attempted as any other.
  @inlinable @inline(__always)
  public func readPlainly(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int? {
    let result = coro_sys_read(descriptor, buffer.baseAddress, buffer.count)
    return result == 0 || result == -Int(EINTR) || result == -Int(EAGAIN) ? nil : result
  }

  /// As `attempt`, for a write for which there is known to be room: write(2) itself; see above.
  @inlinable @inline(__always)
  public func writePlainly(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int? {
    let result = coro_sys_write(descriptor, bytes.baseAddress, bytes.count)
    return result == 0 || result == -Int(EINTR) || result == -Int(EAGAIN) ? nil : result
  }

  @inlinable @inline(__always)
  func receiveOnce(
    _ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer, _ flags: CInt
  ) -> Int {
    let result = coro_sys_recv(
      descriptor, buffer.baseAddress, buffer.count, flags | CInt(MSG_DONTWAIT))
    return result > 0 ? result : received(result, flags)
  }

  private func attemptOnce() -> Int {
    switch pointer.pointee.kind {
    case .receive(let descriptor, let buffer, let flags):
      return receiveOnce(descriptor, buffer, flags)
    case .send(let descriptor, let bytes, let flags):
      return coro_sys_send(
        descriptor, bytes.baseAddress, bytes.count, flags | CInt(MSG_DONTWAIT))
    case .receiveMessage(let descriptor, let message, let flags):
      let result = outcome(recvmsg(descriptor, message, flags | CInt(MSG_DONTWAIT)))
      return result > 0 ? result : received(result, flags)
    case .sendMessage(let descriptor, let message, let flags):
      return outcome(sendmsg(descriptor, message, flags | CInt(MSG_DONTWAIT)))
    case .read(let descriptor, let buffer):
      return attemptRead(descriptor, buffer)
    case .write(let descriptor, let buffer):
      return attemptWrites(descriptor, buffer)
    case .accept(let descriptor, let address, let length):
      // Where nobody listens accept says so, and does not wait.
      if coro_may_block(descriptor) != 0, let answer = pollFirst(descriptor, POLLIN),
        coro_is_listening(descriptor) != 0
      {
        return answer
      }
      let flags = CInt(SOCK_CLOEXEC.rawValue)
      let result = outcome(Int(coro_accept4(descriptor, address, length, flags)))
      return result == -Int(EAGAIN) && pointer.pointee.traits.contains(.receivingEnded)
        ? -Int(EINVAL) : result
    case .connect(let descriptor, let address, let length):
      return outcome(Int(CLinux.connect(descriptor, address, length)))
    case .poll(let descriptor, let events):
      let found = coro_poll_events(descriptor, events)
      return found == 0 ? -Int(EAGAIN) : outcome(Int(found))
    case .close(let descriptor):
      // Linux releases the number even if close says EINTR: repeating it would close another's.
      let result = CLinux.close(descriptor)
      return result < 0 && errno != EINTR ? -Int(errno) : 0
    case .forget, .introduce:
      return 0
    case .call(let call):
      return call.perform()
    }
  }

  /// Writes what there is room for, page by page where `attemptWrite` writes no more at once: so it
  /// is with pipes before Linux 6.4.
  private func attemptWrites(_ descriptor: CInt, _ buffer: UnsafeRawBufferPointer) -> Int {
    let page = 4096
    var written = 0
    while true {
      let rest = UnsafeRawBufferPointer(rebasing: buffer.dropFirst(written))
      let result = attemptWrite(descriptor, rest)
      if result < 0 { return written > 0 ? written : result }
      written += result
      // No more than a pipe holds: one that is emptied meanwhile must not keep us here.
      if result != page || written == buffer.count || written >= 16 * page { return written }
    }
  }

  private func attemptRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    if !pointer.pointee.traits.contains(.pollFirst) {
      let result = coro_read_nowait(descriptor, buffer.baseAddress, buffer.count)
      if result != -Int(EOPNOTSUPP) { return result }
    }
    if let answer = pollFirst(descriptor, POLLIN) {
      // A pidfd, say, is not read at all, and that is not to be waited for.
      let result = coro_read_nowait(descriptor, buffer.baseAddress, buffer.count)
      return result == -Int(EOPNOTSUPP) ? answer : result
    }
    // A terminal may be told to wait for more when it has some (VMIN and VTIME, termios(3)).
    let isTerminal = pointer.pointee.traits.contains(.terminal)
    let count = isTerminal ? min(buffer.count, Int(coro_terminal_count(descriptor))) : buffer.count
    return outcome(read(descriptor, buffer.baseAddress, count))
  }

  private func attemptWrite(_ descriptor: CInt, _ buffer: UnsafeRawBufferPointer) -> Int {
    if !pointer.pointee.traits.contains(.pollFirst) {
      let result = coro_write_nowait(descriptor, buffer.baseAddress, buffer.count)
      if result != -Int(EOPNOTSUPP) { return result }
    }
    if let answer = pollFirst(descriptor, POLLOUT) {
      let result = coro_write_nowait(descriptor, buffer.baseAddress, buffer.count)
      return result == -Int(EOPNOTSUPP) ? answer : result
    }
    return outcome(write(descriptor, buffer.baseAddress, piece(of: buffer)))
  }

  /// How many of these bytes are written to a descriptor that may be in blocking mode, when poll(2)
  /// has said that it is writable: as a rule, what it takes without blocking.
  ///
  /// Of a pipe POLLOUT promises room for PIPE_BUF bytes. A terminal promises nothing, but its
  /// drivers have room for 256 bytes that go out as they are, or for one that becomes several (a
  /// line feed that a carriage return precedes, a tab).
  private func piece(of bytes: UnsafeRawBufferPointer) -> Int {
    guard pointer.pointee.traits.contains(.terminal) else {
      // What is no pipe takes all at once or nothing: a packet for a network, a line for a log.
      return pointer.pointee.traits.contains(.pollFirst) ? bytes.count : min(bytes.count, 4096)
    }
    let plain = bytes.prefix(256).prefix { byte in
      switch byte {
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"), 8: false
      default: true
      }
    }
    return plain.isEmpty ? min(bytes.count, 1) : plain.count
  }

  /// nil if the descriptor is ready for `events`, else what to return.
  private func pollFirst(_ descriptor: CInt, _ events: CInt) -> Int? {
    switch coro_poll_now(descriptor, Int16(events)) {
    case 0: -Int(EAGAIN)
    case 1...: nil
    default: -Int(errno)
    }
  }

  private func outcome(_ result: Int) -> Int {
    result < 0 ? -Int(errno) : result
  }

  /// What a receive comes to that has got nothing.
  @usableFromInline @inline(never)
  func received(_ result: Int, _ flags: CInt) -> Int {
    if result == -Int(EAGAIN), pointer.pointee.traits.contains(.receivingEnded),
      flags & CInt(MSG_ERRQUEUE) == 0
    {
      return 0
    }
    return result
  }
}
