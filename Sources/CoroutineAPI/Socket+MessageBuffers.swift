// One name for every kind of buffer, as in `Socket+Receive.swift`; the calls themselves are in
// `Socket+Message.swift`.

extension Socket {
  /// The room for control data where a call does not say another: for 253 descriptors, credentials,
  /// a timestamp and what else comes.
  public static var controlCapacityDefault: Int { 2048 }

  // MARK: Receiving

  /// Suspends until a message is there, and receives it into an array, which keeps its length, with
  /// what came beside the bytes.
  ///
  /// Control data and descriptors for which `controlCapacity` has no room are lost, and
  /// `isControlTruncated` tells. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func receiveMessage(
    into buffer: inout [UInt8], controlCapacity: Int = controlCapacityDefault,
    flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Message {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try receiveMessage(
      into: &bytes, controlCapacity: controlCapacity, flags: flags, timeout: timeout)
  }

  /// Suspends until a message is there, and receives it into a slice, which keeps its length, with
  /// what came beside the bytes.
  ///
  /// Control data and descriptors for which `controlCapacity` has no room are lost, and
  /// `isControlTruncated` tells. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func receiveMessage(
    into buffer: inout ArraySlice<UInt8>, controlCapacity: Int = controlCapacityDefault,
    flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Message {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try receiveMessage(
      into: &bytes, controlCapacity: controlCapacity, flags: flags, timeout: timeout)
  }

  /// Suspends until a message is there, and receives it into an inline array, with what came beside
  /// the bytes.
  ///
  /// Control data and descriptors for which `controlCapacity` has no room are lost, and
  /// `isControlTruncated` tells. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func receiveMessage<let count: Int>(
    into buffer: inout InlineArray<count, UInt8>, controlCapacity: Int = controlCapacityDefault,
    flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Message {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return try receiveMessage(
      into: &bytes, controlCapacity: controlCapacity, flags: flags, timeout: timeout)
  }

  /// Suspends until a message is there, and receives it into a span, with what came beside the
  /// bytes.
  ///
  /// Control data and descriptors for which `controlCapacity` has no room are lost, and
  /// `isControlTruncated` tells. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func receiveMessage(
    into buffer: inout MutableRawSpan, controlCapacity: Int = controlCapacityDefault,
    flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Message {
    try buffer.withUnsafeMutableBytes { bytes throws(CoroutineError) in
      try receiveMessage(
        vectored: [bytes], controlCapacity: controlCapacity, flags: flags, timeout: timeout)
    }
  }

  /// Suspends until a message is there, and receives it into several arrays, one after the other,
  /// with what came beside the bytes.
  ///
  /// Control data and descriptors for which `controlCapacity` has no room are lost, and
  /// `isControlTruncated` tells. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func receiveMessage(
    vectored buffers: inout [[UInt8]], controlCapacity: Int = controlCapacityDefault,
    flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Message {
    try withUnsafeBuffers(&buffers) { buffers throws(CoroutineError) in
      try receiveMessage(
        vectored: buffers, controlCapacity: controlCapacity, flags: flags, timeout: timeout)
    }
  }

  /// Suspends until a message is there, and receives it into memory that stays valid during the
  /// call, with what came beside the bytes.
  ///
  /// Control data and descriptors for which `controlCapacity` has no room are lost, and
  /// `isControlTruncated` tells. The corresponding C function is `recvmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func receiveMessage(
    vectored buffers: [UnsafeMutableRawBufferPointer],
    controlCapacity: Int = controlCapacityDefault,
    flags: ReceiveFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Message {
    try checkCount(buffers.count, "receiveMessage", receiveOperands)
    var parts = IOVectors(buffers)
    defer { parts.deallocate() }
    return try receiveMessage(&parts, controlCapacity: controlCapacity, flags, timeout)
  }

  // MARK: Sending

  /// Suspends until the kernel takes a message made of an array and of control data.
  ///
  /// Returns how many bytes of it. On a stream that may be a part, which the control data went
  /// with. The corresponding C function is `sendmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func sendMessage(
    _ bytes: [UInt8], control: [ControlMessage] = [], to address: Address? = nil,
    flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try sendMessage(bytes.span.bytes, control: control, to: address, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel takes a message made of a slice and of control data.
  ///
  /// Returns how many bytes of it. On a stream that may be a part, which the control data went
  /// with. The corresponding C function is `sendmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func sendMessage(
    _ bytes: ArraySlice<UInt8>, control: [ControlMessage] = [], to address: Address? = nil,
    flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try sendMessage(bytes.span.bytes, control: control, to: address, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel takes a message made of a string, in UTF-8 and of control data.
  ///
  /// Returns how many bytes of it. On a stream that may be a part, which the control data went
  /// with. The corresponding C function is `sendmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func sendMessage(
    _ bytes: String, control: [ControlMessage] = [], to address: Address? = nil,
    flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try sendMessage(
      bytes.utf8Span.span.bytes, control: control, to: address, flags: flags, timeout: timeout)
  }

  /// Suspends until the kernel takes a message made of a span and of control data.
  ///
  /// Returns how many bytes of it. On a stream that may be a part, which the control data went
  /// with. The corresponding C function is `sendmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func sendMessage(
    _ bytes: RawSpan, control: [ControlMessage] = [], to address: Address? = nil,
    flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try sendMessage(
        vectored: [bytes], control: control, to: address, flags: flags, timeout: timeout)
    }
  }

  /// Suspends until the kernel takes a message made of several arrays and of control data.
  ///
  /// Returns how many bytes of it. On a stream that may be a part, which the control data went
  /// with. The corresponding C function is `sendmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func sendMessage(
    vectored buffers: [[UInt8]], control: [ControlMessage] = [], to address: Address? = nil,
    flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try withUnsafeBuffers(buffers) { buffers throws(CoroutineError) in
      try sendMessage(
        vectored: buffers, control: control, to: address, flags: flags, timeout: timeout)
    }
  }

  /// Suspends until the kernel takes a message made of memory that stays valid during the call and
  /// of control data.
  ///
  /// Returns how many bytes of it. On a stream that may be a part, which the control data went
  /// with. The corresponding C function is `sendmsg`.
  ///
  /// - Throws: `system`, `invalidArgument`, `timeout`, `closed`, `cancelled`, `misuse` where there
  ///   is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func sendMessage(
    vectored buffers: [UnsafeRawBufferPointer], control: [ControlMessage] = [],
    to address: Address? = nil,
    flags: SendFlags = [], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try checkCount(buffers.count, "sendMessage", sendOperands)
    let parts = IOVectors(buffers)
    defer { parts.deallocate() }
    return try sendMessage(parts, control, address, flags, timeout)
  }
}
