// One name for every kind of buffer. All lead to a span of its bytes, the span to plain memory, and
// that to the one call in `Socket+Transfer.swift`.

extension Socket {
  // MARK: Sending once

  /// Suspends until the kernel takes some bytes of an array.
  ///
  /// Returns how many; the rest is the caller's to send. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func send(
    _ bytes: [UInt8], flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of a slice.
  ///
  /// Returns how many; the rest is the caller's to send. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func send(
    _ bytes: ArraySlice<UInt8>, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of an inline array.
  ///
  /// Returns how many; the rest is the caller's to send. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func send<let count: Int>(
    _ bytes: InlineArray<count, UInt8>, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of a string, in UTF-8.
  ///
  /// Returns how many; the rest is the caller's to send. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func send(
    _ bytes: String, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.utf8Span.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of a part of a string, in UTF-8.
  ///
  /// Returns how many; the rest is the caller's to send. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func send(
    _ bytes: Substring, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.utf8Span.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel takes some bytes of a span.
  ///
  /// Returns how many; the rest is the caller's to send. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func send(
    _ bytes: RawSpan, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try send(bytes, flags: flags, timeout: timeout)
    }
  }

  /// Suspends until the kernel takes some bytes of memory that stays valid during the call.
  ///
  /// Returns how many; the rest is the caller's to send. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func send(
    _ bytes: UnsafeRawBufferPointer, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes, flags, timeout).value("send", sendOperands)
  }

  /// Suspends until the kernel takes some bytes of any collection, which is copied first.
  ///
  /// Returns how many; the rest is the caller's to send. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @_disfavoredOverload
  @inlinable
  public func send(
    _ bytes: some Collection<UInt8>, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send([UInt8](bytes), flags: flags, timeout: timeout)
  }

  // MARK: Sending all

  /// Suspends until the kernel has taken all bytes of an array.
  ///
  /// The timeout is for the whole. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func sendAll(
    _ bytes: [UInt8], flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try sendAll(bytes.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of a slice.
  ///
  /// The timeout is for the whole. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func sendAll(
    _ bytes: ArraySlice<UInt8>, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try sendAll(bytes.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of an inline array.
  ///
  /// The timeout is for the whole. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func sendAll<let count: Int>(
    _ bytes: InlineArray<count, UInt8>, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try sendAll(bytes.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of a string, in UTF-8.
  ///
  /// The timeout is for the whole. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func sendAll(
    _ bytes: String, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try sendAll(bytes.utf8Span.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of a part of a string, in UTF-8.
  ///
  /// The timeout is for the whole. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func sendAll(
    _ bytes: Substring, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try sendAll(bytes.utf8Span.span.bytes, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel has taken all bytes of a span.
  ///
  /// The timeout is for the whole. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func sendAll(
    _ bytes: RawSpan, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try sendAll(bytes, flags: flags, timeout: timeout)
    }
  }

  /// Suspends until the kernel has taken all bytes of memory that stays valid during the call.
  ///
  /// The timeout is for the whole. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @inlinable
  public func sendAll(
    _ bytes: UnsafeRawBufferPointer, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    if flags.isEmpty, timeout == nil {
      try sendAll(bytes)
    } else {
      try sendAll(bytes, flags, timeout)
    }
  }

  /// Suspends until the kernel has taken all bytes of any collection, which is copied first.
  ///
  /// The timeout is for the whole. The corresponding C function is `send`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop. How
  ///   many bytes had been sent is the error's `bytesTransferred`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @_disfavoredOverload
  @inlinable
  public func sendAll(
    _ bytes: some Collection<UInt8>, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) {
    try sendAll([UInt8](bytes), flags: flags, timeout: timeout)
  }

  // MARK: Sending to an address

  /// Sends a datagram to `address`, made of an array.
  ///
  /// Returns its length. Suspends while the kernel has no room. The corresponding C function is
  /// `sendmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  @inlinable
  public func send(
    _ bytes: [UInt8], to address: Address, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.span.bytes, to: address, flags: flags, timeout: timeout)
  }

  /// Sends a datagram to `address`, made of a slice.
  ///
  /// Returns its length. Suspends while the kernel has no room. The corresponding C function is
  /// `sendmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  @inlinable
  public func send(
    _ bytes: ArraySlice<UInt8>, to address: Address, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.span.bytes, to: address, flags: flags, timeout: timeout)
  }

  /// Sends a datagram to `address`, made of an inline array.
  ///
  /// Returns its length. Suspends while the kernel has no room. The corresponding C function is
  /// `sendmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  @inlinable
  public func send<let count: Int>(
    _ bytes: InlineArray<count, UInt8>, to address: Address, flags: SendFlags = [],
    timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.span.bytes, to: address, flags: flags, timeout: timeout)
  }

  /// Sends a datagram to `address`, made of a string, in UTF-8.
  ///
  /// Returns its length. Suspends while the kernel has no room. The corresponding C function is
  /// `sendmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  @inlinable
  public func send(
    _ bytes: String, to address: Address, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.utf8Span.span.bytes, to: address, flags: flags, timeout: timeout)
  }

  /// Sends a datagram to `address`, made of a part of a string, in UTF-8.
  ///
  /// Returns its length. Suspends while the kernel has no room. The corresponding C function is
  /// `sendmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  @inlinable
  public func send(
    _ bytes: Substring, to address: Address, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes.utf8Span.span.bytes, to: address, flags: flags, timeout: timeout)
  }

  /// Sends a datagram to `address`, made of a span.
  ///
  /// Returns its length. Suspends while the kernel has no room. The corresponding C function is
  /// `sendmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  @inlinable
  public func send(
    _ bytes: RawSpan, to address: Address, flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try send(bytes, to: address, flags: flags, timeout: timeout)
    }
  }

  /// Sends a datagram to `address`, made of memory that stays valid during the call.
  ///
  /// Returns its length. Suspends while the kernel has no room. The corresponding C function is
  /// `sendmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func send(
    _ bytes: UnsafeRawBufferPointer, to address: Address, flags: SendFlags = [],
    timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send(bytes, address, flags, timeout).value(
      "send", "to \(address) from socket \(handle.descriptor)")
  }

  /// Sends a datagram to `address`, made of any collection, which is copied first.
  ///
  /// Returns its length. Suspends while the kernel has no room. The corresponding C function is
  /// `sendmsg`.
  ///
  /// - Throws: `system`, `timeout`, `closed`, `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @_disfavoredOverload
  @discardableResult
  @inlinable
  public func send(
    _ bytes: some Collection<UInt8>, to address: Address, flags: SendFlags = [],
    timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try send([UInt8](bytes), to: address, flags: flags, timeout: timeout)
  }
}
