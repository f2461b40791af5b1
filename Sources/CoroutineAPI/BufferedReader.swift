import Glibc

/// Reads a stream of bytes by lines, by delimiters, by lengths or as it comes, as Python's
/// `io.BufferedReader` does.
///
/// What is read ahead stays in its buffer: a call that fails, times out or is cancelled half way
/// takes nothing out, and the next one finds all that had come. So `stream` must not be read from
/// beside it. Of one coroutine at a time: a second that calls meanwhile gets `misuse`.
///
/// The timeout of a call is for the whole of it; see `Socket`.
public final class BufferedReader<Stream: ReadableStream> {
  /// What it reads from.
  public let stream: Stream
  private let buffer: ByteBuffer

  /// A reader with nothing in its buffer.
  ///
  /// - Parameters:
  ///   - stream: What to read from. It is not closed with the reader.
  ///   - capacity: How many bytes it asks the stream for at most, when nothing longer is asked of
  ///     it.
  public init(_ stream: Stream, capacity: Int = 16_384) {
    self.stream = stream
    buffer = ByteBuffer(capacity: max(1, capacity))
  }

  /// How many bytes are in the buffer: so many can be read without waiting.
  public var bufferedCount: Int { buffer.count }

  // MARK: As it comes

  /// Suspends until bytes are there, and reads what there is into an array, which keeps its length.
  ///
  /// Returns how many; 0 is the end.
  ///
  /// - Throws: What the stream throws; `misuse` while another coroutine reads.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func read(
    into array: inout [UInt8], timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    var span = array.mutableSpan
    var bytes = span.mutableBytes
    return try bytes.withUnsafeMutableBytes { bytes throws(CoroutineError) in
      try read(into: bytes, timeout: timeout)
    }
  }

  /// As `read(into:)` for an array, into memory that stays valid during the call.
  ///
  /// - Throws: What the stream throws; `misuse` while another coroutine reads.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func read(
    into memory: UnsafeMutableRawBufferPointer, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    try buffer.enter("read")
    defer { buffer.leave() }
    // Past the buffer if that is empty and the caller's memory is no smaller.
    if buffer.count == 0, memory.count >= buffer.capacity {
      return try stream.readSome(into: memory, timeout: timeout)
    }
    if buffer.count == 0, !memory.isEmpty { _ = try fill(nil, timeout) }
    let count = min(memory.count, buffer.count)
    memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
    buffer.consume(count)
    return count
  }

  /// Suspends until bytes are there, and reads what there is.
  ///
  /// - Parameters:
  ///   - countMax: How many bytes at most.
  ///   - timeout: See `Socket`.
  /// - Returns: At least one byte; none is the end.
  /// - Throws: What the stream throws; `misuse` while another coroutine reads.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func readChunk(
    max countMax: Int = .max, timeout: Duration? = nil
  ) throws(CoroutineError) -> [UInt8] {
    try buffer.enter("readChunk")
    defer { buffer.leave() }
    if buffer.count == 0, countMax > 0 { _ = try fill(nil, timeout) }
    return buffer.take(min(max(0, countMax), buffer.count))
  }

  // MARK: By length

  /// Suspends until so many bytes are there, and reads them.
  ///
  /// - Throws: `endOfStream` if the stream ends before, even at once; what the stream throws;
  ///   `misuse` while another coroutine reads. What had come is still in the buffer.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func readExactly(
    _ count: Int, timeout: Duration? = nil
  ) throws(CoroutineError) -> [UInt8] {
    try buffer.enter("readExactly")
    defer { buffer.leave() }
    var limit = TimeLimit(timeout)
    while buffer.count < count {
      guard try fill(count, limit.next("readExactly")) else {
        throw CoroutineError(
          .endOfStream, call: "readExactly", operands: "\(count) bytes",
          detail: "after \(buffer.count) of them")
      }
    }
    return buffer.take(max(0, count))
  }

  /// Suspends until so many bytes are there or the stream ends, and leaves them in the buffer.
  ///
  /// - Returns: The bytes; fewer if the stream ends before.
  /// - Throws: What the stream throws; `misuse` while another coroutine reads.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func peek(
    _ count: Int = 1, timeout: Duration? = nil
  ) throws(CoroutineError) -> [UInt8] {
    try buffer.enter("peek")
    defer { buffer.leave() }
    var limit = TimeLimit(timeout)
    while buffer.count < count, try fill(count, limit.next("peek")) {}
    return [UInt8](buffer.bytes.prefix(max(0, count)))
  }

  /// Suspends until the stream has ended, and reads everything.
  ///
  /// - Parameters:
  ///   - lengthMax: How many bytes the caller is ready to hold.
  ///   - timeout: See `Socket`.
  /// - Throws: `limitExceeded` if more come than `lengthMax`; what the stream throws; `misuse`
  ///   while another coroutine reads. What had come is still in the buffer.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func readToEnd(
    lengthMax: Int = .max, timeout: Duration? = nil
  ) throws(CoroutineError) -> [UInt8] {
    try buffer.enter("readToEnd")
    defer { buffer.leave() }
    var limit = TimeLimit(timeout)
    while buffer.count <= lengthMax {
      guard try fill(nil, limit.next("readToEnd")) else { return buffer.take(buffer.count) }
    }
    throw Self.tooLong("readToEnd", lengthMax)
  }

  // MARK: By delimiter

  /// Suspends until a line is there, and reads it.
  ///
  /// A line ends with a line feed, which may follow a carriage return; neither is part of the
  /// result. The last line may end with the stream instead.
  ///
  /// - Parameters:
  ///   - lengthMax: How many bytes the line may have, its end not counted.
  ///   - timeout: See `Socket`.
  /// - Returns: The line; what is not UTF-8 in it is replaced by U+FFFD. nil: the stream has ended.
  /// - Throws: `limitExceeded` if the line is longer; what the stream throws; `misuse` while
  ///   another coroutine reads. What had come is still in the buffer.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func readLine(
    lengthMax: Int = 65_536, timeout: Duration? = nil
  ) throws(CoroutineError) -> String? {
    try buffer.enter("readLine")
    defer { buffer.leave() }
    var limit = TimeLimit(timeout)
    let lengthMax = max(0, lengthMax)
    let (lineFeed, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
    var found = try find([lineFeed], searchMax: lengthMax.addingClamped(1), "readLine", &limit)
    if case .tooLong = found, buffer.bytes[lengthMax] == carriageReturn {
      // It is not counted either if a line feed follows.
      found = try find([lineFeed], searchMax: lengthMax.addingClamped(2), "readLine", &limit)
    }
    switch found {
    case .at(let index):
      let line = buffer.bytes[..<index]
      let text = String(
        decoding: line.last == carriageReturn ? line.dropLast() : line, as: UTF8.self)
      buffer.consume(index + 1)
      return text
    case .ended where buffer.count > lengthMax:
      throw Self.tooLong("readLine", lengthMax)
    case .ended:
      return buffer.count == 0 ? nil : String(decoding: buffer.take(buffer.count), as: UTF8.self)
    case .tooLong:
      throw Self.tooLong("readLine", lengthMax)
    }
  }

  /// Suspends until a delimiter is there, and reads up to its end.
  ///
  /// - Parameters:
  ///   - delimiter: One byte or more.
  ///   - lengthMax: How many bytes the result may have, the delimiter counted.
  ///   - timeout: See `Socket`.
  /// - Returns: The bytes, with the delimiter as the last. nil: the stream ended before the first.
  /// - Throws: `limitExceeded` if there is no delimiter within `lengthMax` bytes, `endOfStream` if
  ///   the stream ends before it, `invalidArgument` if it is empty; what the stream throws;
  ///   `misuse` while another coroutine reads. What had come is still in the buffer.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func read(
    until delimiter: [UInt8], lengthMax: Int = 65_536, timeout: Duration? = nil
  ) throws(CoroutineError) -> [UInt8]? {
    guard !delimiter.isEmpty else {
      throw CoroutineError(
        .invalidArgument, call: "read", operands: "until a delimiter", detail: "it has no byte")
    }
    try buffer.enter("read")
    defer { buffer.leave() }
    var limit = TimeLimit(timeout)
    switch try find(delimiter, searchMax: max(0, lengthMax), "read", &limit) {
    case .at(let index):
      return buffer.take(index + delimiter.count)
    case .ended:
      guard buffer.count > 0 else { return nil }
      throw CoroutineError(
        .endOfStream, call: "read", operands: "until a delimiter",
        detail: "after \(buffer.count) bytes")
    case .tooLong:
      throw Self.tooLong("read", lengthMax)
    }
  }

  /// As `read(until:)` for several bytes, for one.
  ///
  /// - Throws: As that does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func read(
    until delimiter: UInt8, lengthMax: Int = 65_536, timeout: Duration? = nil
  ) throws(CoroutineError) -> [UInt8]? {
    try read(until: [delimiter], lengthMax: lengthMax, timeout: timeout)
  }

  // MARK: Helpers

  private enum Found {
    case at(Int)
    case ended
    case tooLong
  }

  /// Reads until the delimiter lies whole within the first `searchMax` bytes, or cannot any more.
  private func find(
    _ delimiter: [UInt8], searchMax: Int, _ call: StaticString, _ limit: inout TimeLimit
  ) throws(CoroutineError) -> Found {
    var searched = 0
    while true {
      let end = min(buffer.count, searchMax)
      if let index = buffer.firstIndex(of: delimiter, from: searched, to: end) {
        return .at(index)
      }
      if buffer.count >= searchMax { return .tooLong }
      // The delimiter may have begun at the edge of what has come.
      searched = max(0, end - delimiter.count + 1)
      guard try fill(nil, limit.next(call)) else { return .ended }
    }
  }

  /// Asks the stream once, for what the buffer has room for; nil: as much as usual.
  ///
  /// - Returns: False at the end.
  private func fill(_ wanted: Int?, _ timeout: Duration?) throws(CoroutineError) -> Bool {
    let room = buffer.room(for: wanted)
    let count = try stream.readSome(into: room, timeout: timeout)
    guard 0...room.count ~= count else {
      fatalError("readSome returned \(count) for a buffer of \(room.count) bytes.")
    }
    buffer.append(count)
    return count > 0
  }

  private static func tooLong(_ call: StaticString, _ lengthMax: Int) -> CoroutineError {
    CoroutineError(
      .limitExceeded, call: call, detail: "more than \(lengthMax) bytes; they are still to be read")
  }
}

@available(*, unavailable, message: "a reader belongs to its loop's thread")
extension BufferedReader: Sendable {}

extension Int {
  fileprivate func addingClamped(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
