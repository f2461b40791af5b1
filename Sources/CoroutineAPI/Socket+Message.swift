import CLinux
import Glibc
public import SystemPackage

extension Socket {
  /// What `receiveMessage` received, apart from the bytes.
  ///
  /// It owns the descriptors that came with it: those that nobody takes are closed with it.
  public struct Message {
    /// How many bytes are in the buffers; more than fit there only with the flag `.realLength`.
    public let count: Int
    /// Who sent it; nil where the kernel names nobody: on a connection, or an unnamed Unix socket.
    public let sender: Address?
    /// What the kernel says of it.
    public let flags: MessageFlags
    /// The control messages other than descriptors, in their order.
    public let control: [ControlMessage]
    /// The descriptors that were passed (SCM_RIGHTS), in their order; close-on-exec.
    public let descriptors: [ReceivedDescriptor]
    /// The sender's process, where `.passProcessDescriptor` is on (SCM_PIDFD).
    public let processDescriptor: ReceivedDescriptor?

    /// Whether the packet was longer than the buffers: its end is lost.
    public var isTruncated: Bool { flags.contains(.truncated) }
    /// Whether control data or descriptors were lost, for want of room or of free descriptors.
    public var isControlTruncated: Bool { flags.contains(.controlTruncated) }
    /// The sender's identity, where `.passCredentials` is on.
    public var credentials: Credentials? { control.lazy.compactMap(\.credentials).first }
  }

  /// A descriptor that came with a message: closed with the last reference, unless it is taken.
  public final class ReceivedDescriptor {
    private let handle: DescriptorHandle

    init(_ descriptor: CInt) {
      handle = DescriptorHandle(descriptor, traits: [])
    }

    deinit {
      handle.release()
    }

    /// The descriptor, still owned by this object.
    public var fileDescriptor: FileDescriptor { FileDescriptor(rawValue: handle.descriptor) }

    /// Whether it was taken or closed.
    public var isTaken: Bool { handle.state.pointee.isClosed }

    /// Gives the descriptor up, open as it is.
    ///
    /// Does not suspend.
    ///
    /// - Returns: The descriptor, which the caller owns now.
    /// - Throws: `closed` if it was taken or closed before.
    public func take() throws(CoroutineError) -> FileDescriptor {
      if isTaken {
        throw CoroutineError(
          .closed, call: "take", operands: "descriptor \(handle.descriptor)",
          detail: "it was taken or closed before")
      }
      handle.state.pointee.markClosed()
      return fileDescriptor
    }

    /// Closes the descriptor, unless it was taken or closed before.
    ///
    /// The corresponding C function is `close`.
    ///
    /// - Throws: `system`, and the descriptor is closed all the same; `misuse` where there is no
    ///   loop.
    @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
    public func close() throws(CoroutineError) {
      try handle.close("close", "descriptor \(handle.descriptor)")
    }
  }

  /// Takes over a socket that came with a message; see `init(adopting:)`.
  ///
  /// After an error the descriptor is still `received`'s.
  ///
  /// - Throws: `closed` if it was taken, and what `init(adopting:)` throws.
  public convenience init(taking received: ReceivedDescriptor) throws(CoroutineError) {
    try received.checkOwned()
    try self.init(adopting: received.fileDescriptor)
    _ = try received.take()
  }
}

extension PipeEnd {
  /// Takes over a descriptor that came with a message; see `init(adopting:)`.
  ///
  /// After an error the descriptor is still `received`'s.
  ///
  /// - Throws: `closed` if it was taken, and what `init(adopting:)` throws.
  public convenience init(taking received: Socket.ReceivedDescriptor) throws(CoroutineError) {
    try received.checkOwned()
    try self.init(adopting: received.fileDescriptor)
    _ = try received.take()
  }
}

extension Socket.ReceivedDescriptor {
  /// Its number may be another's otherwise.
  fileprivate func checkOwned() throws(CoroutineError) {
    if isTaken {
      throw CoroutineError(
        .closed, call: "adopt", operands: "descriptor \(fileDescriptor.rawValue)",
        detail: "it was taken or closed before")
    }
  }
}

@available(*, unavailable, message: "a descriptor belongs to its loop's thread")
extension Socket.ReceivedDescriptor: Sendable {}

// MARK: - The calls

extension Socket {
  func receiveMessage(
    _ parts: inout IOVectors, controlCapacity: Int, _ flags: ReceiveFlags, _ timeout: Duration?,
    _ call: StaticString = "receiveMessage"
  ) throws(CoroutineError) -> Message {
    guard 0...Self.controlCapacityMax ~= controlCapacity else {
      throw CoroutineError(
        .invalidArgument, call: call, operands: receiveOperands,
        detail: "controlCapacity \(controlCapacity) is not between 0 and \(Self.controlCapacityMax)"
      )
    }
    let waitsForAll =
      flags.contains(.waitAll) && flags.isDisjoint(with: [.outOfBand, .errorQueue])
    if waitsForAll, flags.contains(.peek) {
      return try peekMessage(&parts, controlCapacity, flags, timeout, call)
    }
    var limit = TimeLimit(timeout)
    var message = try receiveMessageOnce(
      &parts, controlCapacity, flags, limit.next().timeout, call)
    guard waitsForAll, message.count > 0, message.count < parts.byteCount, (try? isStream) == true
    else { return message }
    let whole = parts.byteCount
    parts.advance(by: message.count)
    // Ancillary data is a mark in a stream, which one call does not pass (unix(7)).
    while controlCapacity == 0 || message.hasNoControl, message.count < whole {
      do throws(CoroutineError) {
        let next = try receiveMessageOnce(
          &parts, controlCapacity, flags, limit.next(call), call)
        if next.count == 0 { break }
        parts.advance(by: next.count)
        message = message.followed(by: next)
      } catch {
        switch error.code {
        case .timeout, .closed: return message
        default: throw error.after(message.count, of: whole, call)
        }
      }
    }
    return message
  }

  /// As `peekAll` in `Socket+Transfer.swift`; what came beside the bytes is looked at each time,
  /// and its descriptors are duplicated each time.
  private func peekMessage(
    _ parts: inout IOVectors, _ controlCapacity: Int, _ flags: ReceiveFlags, _ timeout: Duration?,
    _ call: StaticString
  ) throws(CoroutineError) -> Message {
    var seen: Message?
    do throws(CoroutineError) {
      let outcome = try retrying(call, timeout: timeout) {
        $0 == .timeout
      } _: { rest throws(CoroutineError) in
        let hasEnded = (try? hasHungUp) ?? true
        let message = try receiveMessageOnce(&parts, controlCapacity, flags, rest, call)
        seen = message
        let isPart = message.count > 0 && message.count < parts.byteCount && message.hasNoControl
        return isPart && !hasEnded && looksAtStart ? .timeout : Outcome(message.count)
      }
      if outcome == .cancelled { _ = try outcome.value(call, receiveOperands) }
    } catch {
      guard error.code == .timeout || error.code == .closed, seen != nil else { throw error }
    }
    guard let seen else { throw CoroutineError(.timeout, call: call, operands: receiveOperands) }
    return seen
  }

  /// Far more than the kernel ever stores: net.core.optmem_max is 128 KiB.
  static var controlCapacityMax: Int { 1 << 20 }

  private func receiveMessageOnce(
    _ parts: inout IOVectors, _ controlCapacity: Int, _ flags: ReceiveFlags, _ timeout: Duration?,
    _ call: StaticString
  ) throws(CoroutineError) -> Message {
    var name = sockaddr_storage()
    let control = UnsafeMutableRawBufferPointer.allocate(
      byteCount: controlCapacity, alignment: MemoryLayout<Int>.alignment)
    defer { control.deallocate() }
    var message = parts.message
    let outcome = try withUnsafeMutablePointer(to: &name) { name throws(CoroutineError) in
      message.msg_name = UnsafeMutableRawPointer(name)
      message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
      message.msg_control = controlCapacity == 0 ? nil : control.baseAddress
      message.msg_controllen = controlCapacity
      return try withUnsafeMutablePointer(to: &message) { message throws(CoroutineError) in
        try receive(message, flags, call, timeout)
      }
    }
    let count = try outcome.value(call, receiveOperands)
    // From here on nothing may throw: what the kernel stored is open, and owned by nobody yet.
    let stored = UnsafeRawBufferPointer(
      rebasing: control[..<min(Int(message.msg_controllen), controlCapacity)])
    return Message(
      count: count,
      sender: message.msg_namelen == 0 ? nil : Address(name, length: message.msg_namelen),
      flags: MessageFlags(rawValue: message.msg_flags & ~CInt(MSG_CMSG_CLOEXEC)),
      stored: stored)
  }

  func sendMessage(
    _ parts: IOVectors, _ control: [ControlMessage], _ address: Address?, _ flags: SendFlags,
    _ timeout: Duration?
  ) throws(CoroutineError) -> Int {
    try check(control, parts.byteCount)
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: ControlMessage.space(for: control), alignment: MemoryLayout<Int>.alignment)
    defer { buffer.deallocate() }
    ControlMessage.write(control, to: buffer)
    var message = parts.message
    message.msg_control = buffer.isEmpty ? nil : buffer.baseAddress
    message.msg_controllen = buffer.count
    let outcome = try send(&message, address, flags, "sendMessage", timeout)
    return try outcome.value(
      "sendMessage", address.map { "to \($0) from socket \(handle.descriptor)" } ?? sendOperands)
  }

  /// What the kernel would refuse with a bare EINVAL, or lose without a word.
  private func check(_ control: [ControlMessage], _ byteCount: Int) throws(CoroutineError) {
    var count = 0
    for message in control where message.isDescriptors {
      // The kernel adds up all that one call passes.
      count += message.bytes.count / MemoryLayout<CInt>.size
      let detail: String
      if count > ControlMessage.descriptorCountMax {
        detail = "\(count) descriptors; a message takes \(ControlMessage.descriptorCountMax)"
      } else if byteCount == 0, count > 0, (try? isStream) == true {
        detail = "on a stream, descriptors travel with at least one byte"
      } else {
        continue
      }
      throw CoroutineError(
        .invalidArgument, call: "sendMessage", operands: sendOperands, detail: detail)
    }
  }
}

extension Socket.Message {
  fileprivate init(
    count: Int, sender: Socket.Address?, flags: Socket.MessageFlags,
    stored: UnsafeRawBufferPointer
  ) {
    var control: [Socket.ControlMessage] = []
    var descriptors: [Socket.ReceivedDescriptor] = []
    var processDescriptor: Socket.ReceivedDescriptor?
    Socket.ControlMessage.forEach(in: stored) { message in
      if message.isDescriptors {
        descriptors += message.descriptorNumbers.map { Socket.ReceivedDescriptor($0) }
      } else if message.isProcessDescriptor {
        // A negated errno value where the kernel could make none.
        let number = message.descriptorNumbers.first { $0 >= 0 }
        processDescriptor = number.map { Socket.ReceivedDescriptor($0) }
      } else {
        control.append(message)
      }
    }
    self.init(
      count: count, sender: sender, flags: flags, control: control, descriptors: descriptors,
      processDescriptor: processDescriptor)
  }

  fileprivate var hasNoControl: Bool {
    control.isEmpty && descriptors.isEmpty && processDescriptor == nil && !isControlTruncated
  }

  /// One message of two receives on a stream; the first had no control data.
  fileprivate func followed(by next: Self) -> Self {
    Self(
      count: count + next.count, sender: sender, flags: flags.union(next.flags),
      control: next.control, descriptors: next.descriptors,
      processDescriptor: next.processDescriptor)
  }
}

extension CoroutineError {
  fileprivate func after(
    _ received: Int, of count: Int, _ call: StaticString
  ) -> CoroutineError {
    CoroutineError(
      code, errno: errno, call: call, operands: operands,
      detail: "\(received) of \(count) bytes were received", bytesTransferred: received)
  }
}
