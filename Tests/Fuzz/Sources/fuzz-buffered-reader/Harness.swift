import CoroutineAPI

/// Any stream in any pieces, read in any way: what comes is what a search of the whole would find.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard count >= 3 else { return 0 }
  let input = [UInt8](UnsafeBufferPointer(start: bytes, count: count))
  // How long the commands are, how much is read ahead; then the commands, then the stream.
  let commandCount = min(Int(input[0]) % 24, count - 2)
  let commands = Array(input[2..<(2 + commandCount)])
  let model = Model(Array(input[(2 + commandCount)...]), capacity: Int(input[1]) % 20)
  var rest = commands[...]
  while let command = rest.popFirst() {
    model.perform(command, operand: Int(rest.popFirst() ?? 0))
  }
  return 0
}

/// A stream that gives its bytes in pieces of one to seven.
private final class Pieces: ReadableStream {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  func readSome(
    into buffer: UnsafeMutableRawBufferPointer, timeout: Duration?
  ) throws(CoroutineError) -> Int {
    let count = min(position % 7 + 1, bytes.count - position, buffer.count)
    buffer.copyBytes(from: bytes[position..<(position + count)])
    position += count
    return count
  }
}

private final class Model {
  private let reader: BufferedReader<Pieces>
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8], capacity: Int) {
    reader = BufferedReader(Pieces(bytes), capacity: capacity)
    rest = bytes[...]
  }

  func perform(_ command: UInt8, operand: Int) {
    switch command % 4 {
    case 0: line(lengthMax: operand % 32)
    case 1: delimited(by: operand & 64 == 0 ? [0x0a] : [0x0d, 0x0a], lengthMax: operand % 32)
    case 2: exactly(operand % 32)
    default: some(operand % 32 + 1)
    }
  }

  private func line(lengthMax: Int) {
    let end = rest.firstIndex(of: 0x0a)
    var line = end.map { rest[..<$0] } ?? rest
    if end != nil, line.last == 0x0d { line.removeLast() }
    do throws(CoroutineError) {
      let text = try reader.readLine(lengthMax: lengthMax)
      guard line.count <= lengthMax else { fatalError("a line of \(line.count) was read") }
      let isOver = rest.isEmpty
      guard text == (isOver ? nil : String(decoding: line, as: UTF8.self)) else {
        fatalError("a line reads as \(text ?? "nil")")
      }
      rest = end.map { rest[($0 + 1)...] } ?? []
    } catch {
      guard error.code == .limitExceeded, line.count > lengthMax else { fatalError("\(error)") }
    }
  }

  private func delimited(by delimiter: [UInt8], lengthMax: Int) {
    let starts = rest.indices.first { rest[$0...].starts(with: delimiter) }
    let wanted = starts.map { rest[..<($0 + delimiter.count)] }
    do throws(CoroutineError) {
      guard let found = try reader.read(until: delimiter, lengthMax: lengthMax) else {
        guard rest.isEmpty else { fatalError("the stream is not over") }
        return
      }
      guard let wanted, found.elementsEqual(wanted), found.count <= lengthMax else {
        fatalError("\(found) was read")
      }
      rest = rest[wanted.endIndex...]
    } catch {
      switch error.code {
      case .limitExceeded where rest.count >= lengthMax: break
      case .endOfStream where wanted == nil: break
      default: fatalError("\(error)")
      }
      if let wanted, wanted.count <= lengthMax { fatalError("\(error)") }
    }
  }

  private func exactly(_ count: Int) {
    do throws(CoroutineError) {
      let found = try reader.readExactly(count)
      guard found.elementsEqual(rest.prefix(count)) else { fatalError("\(found) was read") }
      rest = rest.dropFirst(count)
    } catch {
      guard error.code == .endOfStream, rest.count < count else { fatalError("\(error)") }
    }
  }

  private func some(_ count: Int) {
    do throws(CoroutineError) {
      var array = [UInt8](repeating: 0, count: count)
      let found = try reader.read(into: &array)
      guard found <= rest.count, array[..<found].elementsEqual(rest.prefix(found)),
        found > 0 || rest.isEmpty
      else { fatalError("\(array[..<found]) was read") }
      rest = rest.dropFirst(found)
    } catch {
      fatalError("\(error)")
    }
  }
}
