import Glibc

/// Memory that a reader or a writer fills at one end and empties at the other.
///
/// Its state is reached by single expressions, and not while a stream is waited for: `enter` keeps
/// others out meanwhile, so that memory which the kernel writes to stays where it is (I5).
final class ByteBuffer {
  private var memory: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var isInUse = false
  /// The size that it returns to when it is empty.
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    memory = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit {
    memory.deallocate()
  }

  var count: Int { end - start }
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[start..<end]) }
  /// How much fits without anything being moved on.
  var free: Int { capacity - count }

  // MARK: One at a time

  func enter(_ call: StaticString) throws(CoroutineError) {
    if isInUse {
      throw CoroutineError(
        .misuse, call: call,
        detail: "another coroutine is in a call of this buffered stream; give each its own turn")
    }
    isInUse = true
  }

  func leave() {
    isInUse = false
  }

  // MARK: Filling

  /// Room behind the bytes: at least one byte, and for `wanted` bytes in all unless that is more
  /// than twice of what is there and more than the buffer begins with.
  ///
  /// What was announced may never come, or byte by byte, so memory is taken as bytes come.
  func room(for wanted: Int?) -> UnsafeMutableRawBufferPointer {
    if count == 0 { reset() }
    let needed = max(1, min((wanted ?? 0) - count, max(capacity, count)))
    if memory.count - end < needed {
      if memory.count - count >= needed, start >= memory.count / 2 {
        moveToStart(of: memory)
      } else {
        let size = max(count + needed, memory.count * 2)
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        let smaller = memory
        moveToStart(of: larger)
        memory = larger
        smaller.deallocate()
      }
    }
    return UnsafeMutableRawBufferPointer(rebasing: memory[end...])
  }

  private func moveToStart(of target: UnsafeMutableRawBufferPointer) {
    if count > 0, let destination = target.baseAddress, let source = memory.baseAddress {
      memmove(destination, source + start, count)
    }
    end -= start
    start = 0
  }

  /// Says that so many bytes were put into the room.
  func append(_ count: Int) {
    end += count
  }

  func append(_ bytes: UnsafeRawBufferPointer) {
    room(for: count + bytes.count).copyMemory(from: bytes)
    end += bytes.count
  }

  // MARK: Emptying

  func take(_ count: Int) -> [UInt8] {
    let taken = [UInt8](bytes[..<count])
    consume(count)
    return taken
  }

  func consume(_ count: Int) {
    start += count
    if start == end { reset() }
  }

  private func reset() {
    start = 0
    end = 0
    guard memory.count > capacity else { return }
    memory.deallocate()
    memory = .allocate(byteCount: capacity, alignment: 16)
  }

  // MARK: Searching

  /// Where `delimiter` begins that lies whole between two places.
  func firstIndex(of delimiter: [UInt8], from first: Int, to limit: Int) -> Int? {
    var index = first
    let last = limit - delimiter.count
    let bytes = bytes
    while index <= last, let base = bytes.baseAddress {
      guard let hit = memchr(base + index, CInt(delimiter[0]), last - index + 1) else { return nil }
      index = base.distance(to: UnsafeRawPointer(hit))
      if bytes[index..<index + delimiter.count].elementsEqual(delimiter) { return index }
      index += 1
    }
    return nil
  }
}
