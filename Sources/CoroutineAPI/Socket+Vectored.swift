// Several buffers with one call of the kernel, as `readv` and `writev` do it.

extension Socket {
  /// Suspends until bytes are there, and receives them into several arrays, one after the other.
  ///
  /// The arrays keep their lengths. Returns how many bytes; 0 is the end of the stream, or an empty
  /// datagram. Of more than 1024 arrays a stream fills the first. The corresponding C function is
  /// `recvmsg`.
  ///
  /// - Throws: `system`, `invalidArgument` for more than 1024 arrays and packets, `timeout`,
  ///   `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func receive(
    vectored buffers: inout [[UInt8]], flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try withUnsafeBuffers(&buffers) { buffers throws(CoroutineError) in
      try receive(vectored: buffers, flags: flags, timeout: timeout)
    }
  }

  /// As `receive(vectored:)` for arrays, into memory that stays valid during the call.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func receive(
    vectored buffers: [UnsafeMutableRawBufferPointer], flags: ReceiveFlags = [],
    timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try checkCount(buffers.count, "receive", receiveOperands)
    var parts = IOVectors(buffers)
    defer { parts.deallocate() }
    return try receiveMessage(&parts, controlCapacity: 0, flags, timeout, "receive").count
  }

  /// Suspends until the kernel takes some bytes of several arrays, one after the other.
  ///
  /// Returns how many bytes; the rest is the caller's to send. Of more than 1024 arrays a stream
  /// takes the first. The corresponding C function is `sendmsg`.
  ///
  /// - Throws: `system`, `invalidArgument` for more than 1024 arrays and packets, `timeout`,
  ///   `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func send(
    vectored buffers: [[UInt8]], flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try withUnsafeBuffers(buffers) { buffers throws(CoroutineError) in
      try send(vectored: buffers, flags: flags, timeout: timeout)
    }
  }

  /// As `send(vectored:)` for arrays, of memory that stays valid during the call.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func send(
    vectored buffers: [UnsafeRawBufferPointer], flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try checkCount(buffers.count, "send", sendOperands)
    let parts = IOVectors(buffers)
    defer { parts.deallocate() }
    var message = parts.message
    return try send(&message, nil, flags, "send", timeout).value("send", sendOperands)
  }

  /// Suspends until the kernel has taken all bytes of several arrays, one after the other.
  ///
  /// The timeout is for the whole. A stream takes any number of arrays, packets 1024 at most. The
  /// corresponding C function is `sendmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop. How many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func sendAll(
    vectored buffers: [[UInt8]], flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try withUnsafeBuffers(buffers) { buffers throws(CoroutineError) in
      try sendAll(vectored: buffers, flags: flags, timeout: timeout)
    }
  }

  /// As `sendAll(vectored:)` for arrays, of memory that stays valid during the call.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop. How many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func sendAll(
    vectored buffers: [UnsafeRawBufferPointer], flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try checkCount(buffers.count, "sendAll", sendOperands)
    var parts = IOVectors(buffers)
    defer { parts.deallocate() }
    var done = 0
    try movingAll("sendAll", "sent", sendOperands, parts.byteCount, timeout) {
      (moved, rest) throws(CoroutineError) in
      parts.advance(by: moved - done)
      done = moved
      var message = parts.message
      return try send(&message, nil, flags, "sendAll", rest)
    }
  }

  // MARK: Helpers

  /// A stream takes the first buffers of more than the kernel does; a packet would lose its end.
  func checkCount(
    _ count: Int, _ call: StaticString, _ operands: @autoclosure () -> String
  ) throws(CoroutineError) {
    guard count > IOVectors.countMax, (try? isStream) == false else { return }
    throw CoroutineError(
      .invalidArgument, call: call, operands: operands(),
      detail: "\(count) buffers; one call takes \(IOVectors.countMax) (IOV_MAX)")
  }

  // An array's elements stay where they are for as long as it is alive and nobody changes it, so
  // the pointers are good until `body` has returned. Nested calls, which the letter of
  // `withUnsafeBytes` asks for, would take a frame of the stack for each of them.

  func withUnsafeBuffers<Result>(
    _ buffers: [[UInt8]],
    _ body: ([UnsafeRawBufferPointer]) throws(CoroutineError) -> Result
  ) throws(CoroutineError) -> Result {
    defer { withExtendedLifetime(buffers) {} }
    return try body(buffers.map { $0.withUnsafeBytes { $0 } })
  }

  func withUnsafeBuffers<Result>(
    _ buffers: inout [[UInt8]],
    _ body: ([UnsafeMutableRawBufferPointer]) throws(CoroutineError) -> Result
  ) throws(CoroutineError) -> Result {
    defer { withExtendedLifetime(buffers) {} }
    var pointers: [UnsafeMutableRawBufferPointer] = []
    for index in buffers.indices {
      pointers.append(buffers[index].withUnsafeMutableBytes { $0 })
    }
    return try body(pointers)
  }
}
