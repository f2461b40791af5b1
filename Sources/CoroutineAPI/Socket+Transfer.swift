import CLinux

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
    guard address.family == .unix else { return try sendMessage(bytes, address, timeout) }
    let deadline = timeout.map { Instant.now + $0 }
    var pause = Duration.microseconds(100)
    while true {
      let outcome = try sendMessage(bytes, address, .zero)
      guard outcome == .timeout else { return outcome }
      // unix(7): nothing tells an unconnected sender when the receiver's full queue has room again,
      // so ask, less and less often.
      let remaining = deadline.map { $0 - .now }
      if let remaining, remaining <= .zero { return .timeout }
      try Coroutine.sleep(for: min(pause, remaining ?? pause))
      pause = min(pause * 2, .milliseconds(50))
    }
  }

  private func sendMessage(
    _ bytes: UnsafeRawBufferPointer, _ address: Address, _ timeout: Duration?
  ) throws(CoroutineError) -> Outcome {
    try address.withKernelAddress { pointer, length in
      Result { () throws(CoroutineError) in
        var part = iovec(
          iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        return try withUnsafeMutablePointer(to: &part) { part in
          var message = msghdr()
          message.msg_name = UnsafeMutableRawPointer(mutating: pointer)
          message.msg_namelen = length
          message.msg_iov = part
          message.msg_iovlen = 1
          return withUnsafePointer(to: &message) { message in
            Result { () throws(CoroutineError) in
              try handle.perform(
                "send",
                .sendMessage(
                  handle.descriptor, message, flags: CInt(MSG_NOSIGNAL)),
                timeout: timeout)
            }
          }
        }.get()
      }
    }.get()
  }

  func receiveFrom(_ buffer: UnsafeMutableRawBufferPointer, _ timeout: Duration?)
    throws(CoroutineError) -> (Outcome, Address)
  {
    var name = sockaddr_storage()
    var part = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
    var length: socklen_t = 0
    let result = withUnsafeMutablePointer(to: &name) { name in
      withUnsafeMutablePointer(to: &part) { part in
        var message = msghdr()
        message.msg_name = UnsafeMutableRawPointer(name)
        message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
        message.msg_iov = part
        message.msg_iovlen = 1
        let result = withUnsafeMutablePointer(to: &message) { message in
          Result { () throws(CoroutineError) in
            try handle.perform(
              "receiveFrom", .receiveMessage(handle.descriptor, message, flags: 0),
              timeout: timeout)
          }
        }
        length = message.msg_namelen
        return result
      }
    }
    return (try result.get(), Address(name, length: length))
  }

  func sender(
    _ result: (outcome: Outcome, sender: Address), _ call: StaticString, _ operands: String
  ) throws(CoroutineError) -> (count: Int, sender: Address) {
    (try result.outcome.value(call, operands), result.sender)
  }

  var receiveOperands: String { "from socket \(handle.descriptor)" }
  var sendOperands: String { "to socket \(handle.descriptor)" }
}
