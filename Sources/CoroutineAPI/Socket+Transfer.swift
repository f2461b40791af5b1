import CLinux
import Glibc

/// The transfers themselves, on plain memory. What users call is in `Socket+Receive.swift` and
/// `Socket+Send.swift`.
extension Socket {
  func receive(_ buffer: UnsafeMutableRawBufferPointer, _ timeout: Duration?)
    throws(CoroutineError) -> Outcome
  {
    try handle.perform(
      "receive", .receive(handle.descriptor, buffer, flags: 0), timeout: timeout)
  }

  func send(_ bytes: UnsafeRawBufferPointer, _ timeout: Duration?)
    throws(CoroutineError) -> Outcome
  {
    // A peer that is gone is an error, not a signal.
    try handle.perform(
      "send", .send(handle.descriptor, bytes, flags: CInt(MSG_NOSIGNAL)),
      timeout: timeout)
  }

  func sendAll(_ bytes: UnsafeRawBufferPointer, _ timeout: Duration?)
    throws(CoroutineError) -> Outcome
  {
    try sendingAll(bytes, timeout) { (rest, timeout) throws(CoroutineError) in
      try send(rest, timeout)
    }
  }

  func send(_ bytes: UnsafeRawBufferPointer, _ address: Address, _ timeout: Duration?)
    throws(CoroutineError) -> Outcome
  {
    try address.withKernelAddress { name, length throws(CoroutineError) in
      var part = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
      return try withUnsafeMutablePointer(to: &part) { part throws(CoroutineError) in
        var message = msghdr()
        message.msg_name = UnsafeMutableRawPointer(mutating: name)
        message.msg_namelen = length
        message.msg_iov = part
        message.msg_iovlen = 1
        return try withUnsafePointer(to: &message) { message throws(CoroutineError) in
          try retrying("send", to: address, timeout: timeout) { rest throws(CoroutineError) in
            // Not parked where room makes no edge: the queue is full of others' datagrams.
            try handle.perform(
              "send", .sendMessage(handle.descriptor, message, flags: CInt(MSG_NOSIGNAL)),
              timeout: address.family == .unix ? .zero : rest)
          }
        }
      }
    }
  }

  func receiveFrom(_ buffer: UnsafeMutableRawBufferPointer, _ timeout: Duration?)
    throws(CoroutineError) -> (Outcome, Address)
  {
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
          try handle.perform(
            "receiveFrom", .receiveMessage(handle.descriptor, message, flags: 0), timeout: timeout)
        }
      }
    }
    return (outcome, Address(name, length: length))
  }

  func sender(
    _ result: (outcome: Outcome, sender: Address), _ call: StaticString, _ operands: String
  ) throws(CoroutineError) -> (count: Int, sender: Address) {
    (try result.outcome.value(call, operands), result.sender)
  }

  var receiveOperands: String { "from socket \(handle.descriptor)" }
  var sendOperands: String { "to socket \(handle.descriptor)" }

  // MARK: What has no readiness

  /// Calls `attempt`, with the time that is left, until there was room at `address`.
  ///
  /// Nothing tells when a full backlog or a full queue of a Unix socket has room (unix(7)), so it
  /// is asked for less and less often.
  func retrying(
    _ call: StaticString, to address: Address, timeout: Duration?,
    _ attempt: (Duration?) throws(CoroutineError) -> Outcome
  ) throws(CoroutineError) -> Outcome {
    guard address.family == .unix else { return try attempt(timeout) }
    let scheduler = try Scheduler.forKernelCall(call)
    let deadline = timeout.map { scheduler.now + $0 }
    var pause = Duration.microseconds(100)
    while true {
      let outcome = try attempt(deadline.map { $0 - scheduler.now })
      guard outcome == .timeout || outcome == Outcome(-Int(EAGAIN)) else { return outcome }
      let next = scheduler.now + pause
      if let deadline, deadline <= scheduler.now { return .timeout }
      let reason = scheduler.sleep(until: min(next, deadline ?? next))
      guard reason == .timeout else { return .cancelled }
      pause = min(pause * 2, .milliseconds(50))
    }
  }
}
