/// Gathers small writes to a stream of bytes, and hands them on in one, as Python's
/// `io.BufferedWriter` does.
///
/// `flush` hands on what is gathered, and `write` does when the buffer is full. What could not be
/// written stays in the buffer, and the next `flush` goes on from there. A writer that goes, goes
/// without flushing, since a `deinit` cannot wait: bytes that are still in it are lost with it. Nor
/// does closing the stream flush. Of one coroutine at a time: a second that calls meanwhile gets
/// `misuse`.
///
/// The timeout of a call is for the whole of it; see `Socket`.
public final class BufferedWriter<Stream: WritableStream> {
  /// What it writes to.
  public let stream: Stream
  private let buffer: ByteBuffer

  /// A writer with nothing in its buffer.
  ///
  /// - Parameters:
  ///   - stream: What to write to. It is not closed with the writer.
  ///   - capacity: How many bytes it gathers before it hands them on.
  public init(_ stream: Stream, capacity: Int = 16_384) {
    self.stream = stream
    buffer = ByteBuffer(capacity: max(1, capacity))
  }

  /// How many bytes are in the buffer, not yet handed on.
  public var bufferedCount: Int { buffer.count }

  // MARK: Writing

  /// Writes an array; suspends only if the buffer has no room for it.
  ///
  /// - Throws: What the stream throws; `misuse` while another coroutine writes. How many of the
  ///   bytes were taken is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func write(_ bytes: [UInt8], timeout: Duration? = nil) throws(CoroutineError) {
    try write(bytes.span.bytes, timeout: timeout)
  }

  /// Writes a slice; suspends only if the buffer has no room for it.
  ///
  /// - Throws: What the stream throws; `misuse` while another coroutine writes. How many of the
  ///   bytes were taken is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func write(_ bytes: ArraySlice<UInt8>, timeout: Duration? = nil) throws(CoroutineError) {
    try write(bytes.span.bytes, timeout: timeout)
  }

  /// Writes a string, in UTF-8; suspends only if the buffer has no room for it.
  ///
  /// - Throws: What the stream throws; `misuse` while another coroutine writes. How many of the
  ///   bytes were taken is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func write(_ bytes: String, timeout: Duration? = nil) throws(CoroutineError) {
    try write(bytes.utf8Span.span.bytes, timeout: timeout)
  }

  /// Writes a part of a string, in UTF-8; suspends only if the buffer has no room for it.
  ///
  /// - Throws: What the stream throws; `misuse` while another coroutine writes. How many of the
  ///   bytes were taken is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func write(_ bytes: Substring, timeout: Duration? = nil) throws(CoroutineError) {
    try write(bytes.utf8Span.span.bytes, timeout: timeout)
  }

  /// Writes a span; suspends only if the buffer has no room for it.
  ///
  /// - Throws: What the stream throws; `misuse` while another coroutine writes. How many of the
  ///   bytes were taken is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func write(_ bytes: RawSpan, timeout: Duration? = nil) throws(CoroutineError) {
    try bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try write(bytes, timeout: timeout)
    }
  }

  /// Writes memory that stays valid during the call; suspends only if the buffer has no room for
  /// it.
  ///
  /// - Throws: What the stream throws; `misuse` while another coroutine writes. How many of the
  ///   bytes were taken is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func write(
    _ bytes: UnsafeRawBufferPointer, timeout: Duration? = nil
  ) throws(CoroutineError) {
    try buffer.enter("write")
    defer { buffer.leave() }
    if bytes.count <= buffer.free { return buffer.append(bytes) }
    var limit = TimeLimit(timeout)
    try empty("write", &limit)
    if bytes.count < buffer.capacity { return buffer.append(bytes) }
    // Past the buffer: it would only be copied.
    var written = 0
    while written < bytes.count {
      do throws(CoroutineError) {
        written += try writeSome(bytes.rest(from: written), limit.next("write"))
      } catch {
        guard written > 0 else { throw error }
        throw CoroutineError(
          error.code, errno: error.errno, call: "write", operands: error.operands,
          detail: "\(written) of \(bytes.count) bytes were written", bytesTransferred: written)
      }
    }
  }

  /// Suspends until the stream has taken all that is in the buffer.
  ///
  /// - Throws: What the stream throws; `misuse` while another coroutine writes. What was not taken
  ///   is still in the buffer.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func flush(timeout: Duration? = nil) throws(CoroutineError) {
    try buffer.enter("flush")
    defer { buffer.leave() }
    var limit = TimeLimit(timeout)
    try empty("flush", &limit)
  }

  private func empty(
    _ call: StaticString, _ limit: inout TimeLimit
  ) throws(CoroutineError) {
    while buffer.count > 0 {
      buffer.consume(try writeSome(buffer.bytes, limit.next(call)))
    }
  }

  private func writeSome(
    _ bytes: UnsafeRawBufferPointer, _ timeout: Duration?
  ) throws(CoroutineError) -> Int {
    let count = try stream.writeSome(bytes, timeout: timeout)
    guard 1...bytes.count ~= count else {
      fatalError("writeSome returned \(count) for \(bytes.count) bytes; it takes one at least.")
    }
    return count
  }
}

@available(*, unavailable, message: "a writer belongs to its loop's thread")
extension BufferedWriter: Sendable {}
