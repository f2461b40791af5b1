// One name for every kind of buffer. All lead to a span of its bytes, the span to plain memory, and
// that to the one call in `Socket+Transfer.swift`.

extension Socket {
  // MARK: Receiving

  /// Suspends until bytes are there, and receives them into an array, which keeps its length.
  ///
  /// Returns how many; 0 is the end of the stream, or an empty datagram. The corresponding C
  /// function is `recv`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func receive(
    into buffer: inout [UInt8], flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try receive(into: &bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until bytes are there, and receives them into a slice, which keeps its length.
  ///
  /// Returns how many; 0 is the end of the stream, or an empty datagram. The corresponding C
  /// function is `recv`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func receive(
    into buffer: inout ArraySlice<UInt8>, flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try receive(into: &bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until bytes are there, and receives them into an inline array.
  ///
  /// Returns how many; 0 is the end of the stream, or an empty datagram. The corresponding C
  /// function is `recv`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func receive<let count: Int>(
    into buffer: inout InlineArray<count, UInt8>, flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try receive(into: &bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until bytes are there, and receives them into a span.
  ///
  /// Returns how many; 0 is the end of the stream, or an empty datagram. The corresponding C
  /// function is `recv`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func receive(
    into buffer: inout MutableRawSpan, flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try buffer.withUnsafeMutableBytes { bytes throws(CoroutineError) in
      try receive(into: bytes, flags: flags, timeout: timeout)
    }
  }

  /// Suspends until bytes are there, and receives them into memory that stays valid during the
  /// call.
  ///
  /// Returns how many; 0 is the end of the stream, or an empty datagram. The corresponding C
  /// function is `recv`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func receive(
    into buffer: UnsafeMutableRawBufferPointer, flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    flags.isEmpty && timeout == nil ? try receive(buffer) : try receive(buffer, flags, timeout)
  }

  /// Suspends until a datagram is there, and receives it into an array, which keeps its length.
  ///
  /// Returns its length and its sender; what does not fit is lost, which shows with the flag
  /// `.realLength`. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func receiveFrom(
    into buffer: inout [UInt8], flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> (count: Int, sender: Address) {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try receiveFrom(into: &bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until a datagram is there, and receives it into a slice, which keeps its length.
  ///
  /// Returns its length and its sender; what does not fit is lost, which shows with the flag
  /// `.realLength`. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func receiveFrom(
    into buffer: inout ArraySlice<UInt8>, flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> (count: Int, sender: Address) {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try receiveFrom(into: &bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until a datagram is there, and receives it into an inline array.
  ///
  /// Returns its length and its sender; what does not fit is lost, which shows with the flag
  /// `.realLength`. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func receiveFrom<let count: Int>(
    into buffer: inout InlineArray<count, UInt8>, flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> (count: Int, sender: Address) {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try receiveFrom(into: &bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until a datagram is there, and receives it into a span.
  ///
  /// Returns its length and its sender; what does not fit is lost, which shows with the flag
  /// `.realLength`. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func receiveFrom(
    into buffer: inout MutableRawSpan, flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> (count: Int, sender: Address) {
    try buffer.withUnsafeMutableBytes { bytes throws(CoroutineError) in
      try receiveFrom(into: bytes, flags: flags, timeout: timeout)
    }
  }

  /// Suspends until a datagram is there, and receives it into memory that stays valid during the
  /// call.
  ///
  /// Returns its length and its sender; what does not fit is lost, which shows with the flag
  /// `.realLength`. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func receiveFrom(
    into buffer: UnsafeMutableRawBufferPointer, flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> (count: Int, sender: Address) {
    try receiveFrom(buffer, flags, timeout)
  }
}
