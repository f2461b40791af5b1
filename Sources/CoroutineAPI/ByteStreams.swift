/// What bytes can be read from in order: a `Socket`, a `PipeEnd`, or a stream of one's own above
/// them.
///
/// Read it through a `BufferedReader`.
public protocol ReadableStream {
  /// Suspends until bytes are there, and reads some into memory that stays valid during the call.
  ///
  /// Returns how many; 0 is the end. An error takes no byte from the stream.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  func readSome(
    into buffer: UnsafeMutableRawBufferPointer, timeout: Duration?
  ) throws(CoroutineError) -> Int
}

/// What bytes can be written to in order: a `Socket`, a `PipeEnd`, or a stream of one's own above
/// them.
///
/// Write to it through a `BufferedWriter`.
public protocol WritableStream {
  /// Suspends until some bytes are taken; the memory stays valid during the call.
  ///
  /// Returns how many. An error means that none was.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  func writeSome(
    _ bytes: UnsafeRawBufferPointer, timeout: Duration?
  ) throws(CoroutineError) -> Int
}

extension Socket: ReadableStream, WritableStream {
  /// `receive`, for a buffered reader.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func readSome(
    into buffer: UnsafeMutableRawBufferPointer, timeout: Duration?
  ) throws(CoroutineError) -> Int {
    try receive(into: buffer, timeout: timeout)
  }

  /// `send`, for a buffered writer.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func writeSome(
    _ bytes: UnsafeRawBufferPointer, timeout: Duration?
  ) throws(CoroutineError) -> Int {
    try send(bytes, timeout: timeout)
  }
}

extension PipeEnd: ReadableStream, WritableStream {
  /// `read`, for a buffered reader.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func readSome(
    into buffer: UnsafeMutableRawBufferPointer, timeout: Duration?
  ) throws(CoroutineError) -> Int {
    try read(into: buffer, timeout: timeout)
  }

  /// `write`, for a buffered writer.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func writeSome(
    _ bytes: UnsafeRawBufferPointer, timeout: Duration?
  ) throws(CoroutineError) -> Int {
    try write(bytes, timeout: timeout)
  }
}
