import CLinux
import Glibc

/// The transfers themselves, on plain memory. What users call is in `Socket+Receive.swift` and
/// `Socket+Send.swift`.
extension Socket {
  // MARK: Receiving

  /// What most calls are, on its own: the compiler sees which they are, and the shorter the way,
  /// the more of a loop's time is its user's.
  @usableFromInline
  func receive(_ buffer: UnsafeMutableRawBufferPointer) throws(CoroutineError) -> Int {
    try handle.perform(
      "receive", .receive(handle.descriptor, buffer, flags: 0), timeout: nil, likelyToWait: true
    ).value("receive", receiveOperands)
  }

  @usableFromInline
  func receive(
    _ buffer: UnsafeMutableRawBufferPointer, _ flags: ReceiveFlags, _ timeout: Duration?
  ) throws(CoroutineError) -> Int {
    if flags.isAside {
      return try receiveFrom(buffer, flags, "receive", timeout).value("receive", receiveOperands)
    }
    let once = flags.once(handle.state.pointee.traits)
    func receive(_ moved: Int, _ rest: Duration?) throws(CoroutineError) -> Outcome {
      let rest = try handle.perform(
        "receive",
        .receive(
          handle.descriptor,
          moved == 0 ? buffer : UnsafeMutableRawBufferPointer(rebasing: buffer[moved...]),
          flags: once), timeout: rest)
      return rest
    }
    guard flags.contains(.waitAll) else {
      return try receive(0, timeout).value("receive", receiveOperands)
    }
    if flags.contains(.peek) { return try peekAll(buffer.count, timeout, receive) }
    return try receivingAll("receive", buffer.count, timeout, receive)
  }

  /// Receives until `count` bytes of a stream are there: see `ReceiveFlags.waitAll`.
  func receivingAll(
    _ call: StaticString, _ count: Int, _ timeout: Duration?,
    _ receive: (Int, Duration?) throws(CoroutineError) -> Outcome
  ) throws(CoroutineError) -> Int {
    var limit = TimeLimit(timeout)
    var received = try receive(0, limit.next().timeout).value(call, receiveOperands)
    // Closed meanwhile, it is asked no more: what came is the answer.
    guard received > 0, received < count, (try? isStream) == true else { return received }
    while received < count {
      let (rest, isOver) = limit.next()
      let outcome = isOver ? .timeout : try receive(received, rest)
      switch outcome {
      case .timeout, .closed:
        return received  // Whoever calls again is told again.
      case let outcome where outcome.rawValue < 0:
        throw CoroutineError(
          outcome, call: call, operands: receiveOperands, moved: received, of: count, "received")
      case let outcome where outcome.rawValue == 0:
        return received
      default:
        received += outcome.rawValue
      }
    }
    return received
  }

  /// Looks again and again until `count` bytes are there: peeking empties nothing, so that no edge
  /// and no completion tells of more.
  private func peekAll(
    _ count: Int, _ timeout: Duration?,
    _ peek: (Int, Duration?) throws(CoroutineError) -> Outcome
  ) throws(CoroutineError) -> Int {
    var seen = 0
    let outcome = try retrying("receive", timeout: timeout) {
      $0 == .timeout
    } _: {
      rest throws(CoroutineError) in
      let hasEnded = (try? hasHungUp) ?? true
      let outcome = try peek(0, rest)
      guard outcome.rawValue > 0, outcome.rawValue < count, !hasEnded, looksAtStart else {
        return outcome
      }
      seen = outcome.rawValue
      return .timeout
    }
    if outcome == .timeout || outcome == .closed, seen > 0 { return seen }
    return try outcome.value("receive", receiveOperands)
  }

  /// Whether looking again shows the same bytes again: on a stream, unless SO_PEEK_OFF moves on.
  var looksAtStart: Bool {
    (try? isStream) == true && ((try? option(.peekOffset)) ?? -1) < 0
  }

  func receiveFrom(
    _ buffer: UnsafeMutableRawBufferPointer, _ flags: ReceiveFlags, _ timeout: Duration?
  ) throws(CoroutineError) -> (count: Int, sender: Address) {
    var sender = Address(.unixUnnamed)
    let outcome = try receiveFrom(buffer, flags, "receiveFrom", timeout) { sender = $0 }
    return (try outcome.value("receiveFrom", receiveOperands), sender)
  }

  private func receiveFrom(
    _ buffer: UnsafeMutableRawBufferPointer, _ flags: ReceiveFlags, _ call: StaticString,
    _ timeout: Duration?, _ tellSender: (Address) -> Void = { _ in }
  ) throws(CoroutineError) -> Outcome {
    var name = sockaddr_storage()
    var part = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
    var length: socklen_t = 0
    let outcome = try withUnsafeMutablePointer(to: &name) { name throws(CoroutineError) in
      try withUnsafeMutablePointer(to: &part) { part throws(CoroutineError) in
        var message = msghdr()
        message.msg_name = UnsafeMutableRawPointer(name)
        message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
        message.msg_iov = part
        message.msg_iovlen = 1
        defer { length = message.msg_namelen }
        return try withUnsafeMutablePointer(to: &message) { message throws(CoroutineError) in
          try receive(message, flags, call, timeout)
        }
      }
    }
    tellSender(Address(name, length: length))
    return outcome
  }

  /// One recvmsg(2), which waits.
  func receive(
    _ message: UnsafeMutablePointer<msghdr>, _ flags: ReceiveFlags, _ call: StaticString,
    _ timeout: Duration?
  ) throws(CoroutineError) -> Outcome {
    let once = flags.once(handle.state.pointee.traits) | CInt(MSG_CMSG_CLOEXEC)
    guard flags.isAside else {
      return try handle.perform(
        call, .receiveMessage(handle.descriptor, message, flags: once), timeout: timeout)
    }
    let none = Outcome(flags.contains(.outOfBand) ? -Int(EINVAL) : -Int(EAGAIN))
    func attempt() throws(CoroutineError) -> Outcome {
      try handle.perform(
        call, .call(.receiveAside(handle.descriptor, message, flags: once)), timeout: nil)
    }
    return try retrying(call, timeout: timeout) {
      $0 == .timeout || $0 == Outcome(-Int(EAGAIN))
    } _: { _ throws(CoroutineError) in
      let outcome = try attempt()
      guard outcome == none, flags.contains(.outOfBand) else { return outcome }
      if try option(.outOfBandInline) { return outcome }
      let endings = try endings
      guard endings & Int(POLLHUP) != 0 || endings & Self.pollHangUp != 0 else { return .timeout }
      guard endings & Self.pollHangUp != 0 else { return Outcome(-Int(ENOTCONN)) }
      // It may have come just before the end.
      let last = try attempt()
      return last == none ? Outcome(0) : last
    }
  }

  // MARK: Sending

  @inline(__always)
  func send(
    _ bytes: UnsafeRawBufferPointer, _ flags: SendFlags, _ timeout: Duration?
  ) throws(CoroutineError) -> Outcome {
    let begun = sendAtOnce(bytes, flags, timeout)
    if let begun, begun != -Int(EAGAIN) { return Outcome(begun) }
    return try sendByOperation(bytes, flags, timeout, wasTried: begun != nil)
  }

  /// See `DescriptorHandle.sendAtOnce`; not where no operation may follow that waits.
  @inline(__always)
  func sendAtOnce(
    _ bytes: UnsafeRawBufferPointer, _ flags: SendFlags, _ timeout: Duration?
  ) -> Int? {
    if let timeout, !timeout.isPositive { return nil }
    return handle.sendAtOnce(bytes, flags: flags.once)
  }

  @inline(never)
  private func sendByOperation(
    _ bytes: UnsafeRawBufferPointer, _ flags: SendFlags, _ timeout: Duration?, wasTried: Bool
  ) throws(CoroutineError) -> Outcome {
    try handle.perform(
      "send", .send(handle.descriptor, bytes, flags: flags.once), timeout: timeout,
      hints: wasTried ? .wasTried : [])
  }

  /// See `receive(_:)`.
  @usableFromInline
  func sendAll(_ bytes: UnsafeRawBufferPointer) throws(CoroutineError) {
    let count = bytes.count
    let begun =
      if let begun = handle.sendAtOnce(bytes, flags: SendFlags().once) {
        begun
      } else {
        try handle.perform(
          "sendAll", .send(handle.descriptor, bytes, flags: SendFlags().once), timeout: nil,
          likelyToWait: true
        ).rawValue
      }
    if begun != count { try sendRest(bytes, begun: begun) }
  }

  /// Sends what was not sent by a first step, whose outcome is `begun`.
  @inline(never)
  private func sendRest(_ bytes: UnsafeRawBufferPointer, begun: Int) throws(CoroutineError) {
    var first: Int? = begun
    try movingAll("sendAll", "sent", sendOperands, bytes.count, nil) {
      (moved, _) throws(CoroutineError) in
      guard let begun = first else { return try send(bytes.rest(from: moved), [], nil) }
      first = nil
      if begun != -Int(EAGAIN) { return Outcome(begun) }
      return try sendByOperation(bytes, [], nil, wasTried: true)
    }
  }

  @usableFromInline
  func sendAll(
    _ bytes: UnsafeRawBufferPointer, _ flags: SendFlags, _ timeout: Duration?
  ) throws(CoroutineError) {
    try movingAll("sendAll", "sent", sendOperands, bytes.count, timeout) {
      (moved, rest) throws(CoroutineError) in
      try send(bytes.rest(from: moved), flags, rest)
    }
  }

  func send(
    _ bytes: UnsafeRawBufferPointer, _ address: Address, _ flags: SendFlags, _ timeout: Duration?
  ) throws(CoroutineError) -> Outcome {
    var part = iovec(
      iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    return try withUnsafeMutablePointer(to: &part) { part throws(CoroutineError) in
      var message = msghdr()
      message.msg_iov = part
      message.msg_iovlen = 1
      return try send(&message, address, flags, "send", timeout)
    }
  }

  /// One sendmsg(2), which waits.
  func send(
    _ message: inout msghdr, _ address: Address?, _ flags: SendFlags, _ call: StaticString,
    _ timeout: Duration?
  ) throws(CoroutineError) -> Outcome {
    guard let address else {
      return try withUnsafePointer(to: &message) { message throws(CoroutineError) in
        try handle.perform(
          call, .sendMessage(handle.descriptor, message, flags: flags.once), timeout: timeout)
      }
    }
    return try address.withKernelAddress { name, length throws(CoroutineError) in
      message.msg_name = UnsafeMutableRawPointer(mutating: name)
      message.msg_namelen = length
      return try withUnsafePointer(to: &message) { message throws(CoroutineError) in
        func attempt(_ rest: Duration?) throws(CoroutineError) -> Outcome {
          try handle.perform(
            call, .sendMessage(handle.descriptor, message, flags: flags.once), timeout: rest)
        }
        guard address.family == .unix else { return try attempt(timeout) }
        // Not parked where room makes no edge: the queue is full of others' datagrams.
        return try retrying(call, timeout: timeout) {
          $0 == .timeout || $0 == Outcome(-Int(EAGAIN))
        } _: { _ throws(CoroutineError) in
          try attempt(.zero)
        }
      }
    }
  }

  var receiveOperands: String { "from socket \(handle.descriptor)" }
  var sendOperands: String { "to socket \(handle.descriptor)" }

  // MARK: Asking

  /// Whether it carries bytes and not packets.
  var isStream: Bool {
    get throws(CoroutineError) { try option(.kind) == .stream }
  }

  /// Whether the peer has ended its sending.
  var hasHungUp: Bool {
    get throws(CoroutineError) { try endings & Self.pollHangUp != 0 }
  }

  /// POLLRDHUP, which is hidden behind _GNU_SOURCE.
  private static let pollHangUp = 0x2000

  /// What poll(2) says of ends and errors: 0 while all goes on.
  private var endings: Int {
    get throws(CoroutineError) {
      try call(
        "poll", .pollNow(handle.descriptor, events: Int16(Self.pollHangUp)), operands)
    }
  }
}
