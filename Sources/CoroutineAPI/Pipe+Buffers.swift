// One name for every kind of buffer. All lead to a span of its bytes, the span to plain memory, and
// that to the one call in `Pipe.swift`.

extension PipeEnd {
  // MARK: Reading

  /// Suspends until bytes are there, and reads them into an array, which keeps its length.
  ///
  /// Returns how many; 0 is the end: every writer has closed. The corresponding C function is
  /// `read`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func read(
    into buffer: inout [UInt8], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try read(into: &bytes, timeout: timeout)
  }

  /// Suspends until bytes are there, and reads them into a slice, which keeps its length.
  ///
  /// Returns how many; 0 is the end: every writer has closed. The corresponding C function is
  /// `read`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func read(
    into buffer: inout ArraySlice<UInt8>, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try read(into: &bytes, timeout: timeout)
  }

  /// Suspends until bytes are there, and reads them into an inline array.
  ///
  /// Returns how many; 0 is the end: every writer has closed. The corresponding C function is
  /// `read`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func read<let count: Int>(
    into buffer: inout InlineArray<count, UInt8>, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try read(into: &bytes, timeout: timeout)
  }

  /// Suspends until bytes are there, and reads them into a span.
  ///
  /// Returns how many; 0 is the end: every writer has closed. The corresponding C function is
  /// `read`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func read(
    into buffer: inout MutableRawSpan, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try buffer.withUnsafeMutableBytes { bytes throws(CoroutineError) in
      try read(into: bytes, timeout: timeout)
    }
  }

  /// Suspends until bytes are there, and reads them into memory that stays valid during the call.
  ///
  /// Returns how many; 0 is the end: every writer has closed. The corresponding C function is
  /// `read`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try read(buffer, timeout).value("read", readOperands)
  }

  // MARK: Writing once

  /// Suspends until the kernel takes some bytes of an array.
  ///
  /// Returns how many. A reader that is gone is EPIPE, never a signal. The corresponding C function
  /// is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func write(
    _ bytes: [UInt8], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try write(bytes.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of a slice.
  ///
  /// Returns how many. A reader that is gone is EPIPE, never a signal. The corresponding C function
  /// is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func write(
    _ bytes: ArraySlice<UInt8>, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try write(bytes.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of an inline array.
  ///
  /// Returns how many. A reader that is gone is EPIPE, never a signal. The corresponding C function
  /// is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func write<let count: Int>(
    _ bytes: InlineArray<count, UInt8>, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try write(bytes.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of a string, in UTF-8.
  ///
  /// Returns how many. A reader that is gone is EPIPE, never a signal. The corresponding C function
  /// is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func write(
    _ bytes: String, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try write(bytes.utf8Span.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of a part of a string, in UTF-8.
  ///
  /// Returns how many. A reader that is gone is EPIPE, never a signal. The corresponding C function
  /// is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func write(
    _ bytes: Substring, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try write(bytes.utf8Span.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of a span.
  ///
  /// Returns how many. A reader that is gone is EPIPE, never a signal. The corresponding C function
  /// is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func write(
    _ bytes: RawSpan, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try write(bytes, timeout: timeout)
    }
  }

  /// Suspends until the kernel takes some bytes of memory that stays valid during the call.
  ///
  /// Returns how many. A reader that is gone is EPIPE, never a signal. The corresponding C function
  /// is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func write(
    _ bytes: UnsafeRawBufferPointer, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try write(bytes, timeout).value("write", writeOperands)
  }

  /// Suspends until the kernel takes some bytes of any collection, which is copied first.
  ///
  /// Returns how many. A reader that is gone is EPIPE, never a signal. The corresponding C function
  /// is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @_disfavoredOverload
  @inlinable
  public func write(
    _ bytes: some Collection<UInt8>, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try write([UInt8](bytes), timeout: timeout)
  }

  // MARK: Writing all

  /// Suspends until the kernel has taken all bytes of an array.
  ///
  /// The timeout is for the whole. The corresponding C function is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been written is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func writeAll(
    _ bytes: [UInt8], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try writeAll(bytes.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of a slice.
  ///
  /// The timeout is for the whole. The corresponding C function is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been written is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func writeAll(
    _ bytes: ArraySlice<UInt8>, timeout: Duration? = nil
  ) throws(CoroutineError) {
    try writeAll(bytes.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of an inline array.
  ///
  /// The timeout is for the whole. The corresponding C function is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been written is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func writeAll<let count: Int>(
    _ bytes: InlineArray<count, UInt8>, timeout: Duration? = nil
  ) throws(CoroutineError) {
    try writeAll(bytes.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of a string, in UTF-8.
  ///
  /// The timeout is for the whole. The corresponding C function is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been written is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func writeAll(
    _ bytes: String, timeout: Duration? = nil
  ) throws(CoroutineError) {
    try writeAll(bytes.utf8Span.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of a part of a string, in UTF-8.
  ///
  /// The timeout is for the whole. The corresponding C function is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been written is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func writeAll(
    _ bytes: Substring, timeout: Duration? = nil
  ) throws(CoroutineError) {
    try writeAll(bytes.utf8Span.span.bytes, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of a span.
  ///
  /// The timeout is for the whole. The corresponding C function is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been written is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func writeAll(
    _ bytes: RawSpan, timeout: Duration? = nil
  ) throws(CoroutineError) {
    try bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try writeAll(bytes, timeout: timeout)
    }
  }

  /// Suspends until the kernel has taken all bytes of memory that stays valid during the call.
  ///
  /// The timeout is for the whole. The corresponding C function is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been written is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func writeAll(
    _ bytes: UnsafeRawBufferPointer, timeout: Duration? = nil
  ) throws(CoroutineError) {
    try movingAll("writeAll", "written", writeOperands, bytes.count, timeout) {
      (moved, rest) throws(CoroutineError) in
      try write(bytes.rest(from: moved), rest)
    }
  }

  /// Suspends until the kernel has taken all bytes of any collection, which is copied first.
  ///
  /// The timeout is for the whole. The corresponding C function is `write`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been written is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @_disfavoredOverload
  @inlinable
  public func writeAll(
    _ bytes: some Collection<UInt8>, timeout: Duration? = nil
  ) throws(CoroutineError) {
    try writeAll([UInt8](bytes), timeout: timeout)
  }
}
