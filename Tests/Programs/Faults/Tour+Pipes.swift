import CTestSupport
import Coroutines
@preconcurrency import Glibc

extension Tour {
  func pipes() {
    step("sleep") {
      try Coroutine.sleep(for: .milliseconds(2))
      try Coroutine.sleep(for: .milliseconds(1))
      return "slept"
    }
    step("blocking-pipe") { try transfer(try Coroutine.pipe()) }
    step("non-blocking-pipe") {
      try transfer(try Coroutine.pipe([.closeOnExec, .nonBlocking]))
    }
    step("timeout") {
      let (reader, writer) = try Coroutine.pipe()
      defer {
        note { try reader.close() }
        note { try writer.close() }
      }
      var buffer = [UInt8](repeating: 0, count: 8)
      return try expecting(.timeout) {
        _ = try reader.read(into: &buffer, timeout: .milliseconds(3))
      }
    }
    step("closed-while-waiting") {
      let (reader, writer) = try Coroutine.pipe()
      defer { note { try writer.close() } }
      var answer = ""
      both {
        var buffer = [UInt8](repeating: 0, count: 8)
        answer = try self.expecting(.closed) { _ = try reader.read(into: &buffer) }
      } _: {
        defer { note { try reader.close() } }
        try Coroutine.sleep(for: .milliseconds(1))
      }
      return answer
    }
    step("event") { try event() }
    step("closing") { try closing() }
    step("regular-file") { try regularFile() }
    step("splice") { try splice() }
  }

  /// The error's code, which must be this one; any other is the step's error.
  func expecting(_ code: CoroutineError.Code, _ body: () throws -> Void) throws -> String {
    do {
      try body()
      return "nothing was thrown"
    } catch let error as CoroutineError where error.code == code {
      return "\(code)"
    }
  }

  /// More than a pipe holds, so that the writer waits as well as the reader.
  private func transfer(_ pipe: (reader: PipeEnd, writer: PipeEnd)) throws -> String {
    let (reader, writer) = pipe
    let bytes = pattern(200_000)
    var received: [UInt8] = []
    both {
      defer { self.note { try reader.close() } }
      var buffer = [UInt8](repeating: 0, count: 16_384)
      while case let count = try reader.read(into: &buffer), count > 0 {
        received += buffer[..<count]
      }
    } _: {
      defer { note { try writer.close() } }
      try writer.writeAll(bytes)
    }
    return received == bytes ? "all came" : "\(received.count) bytes came"
  }

  /// A descriptor that knows no RWF_NOWAIT: poll(2) comes before each call.
  private func event() throws -> String {
    let end = try adopt(test_event_descriptor(), PipeEnd.init(adopting:))
    defer { note { try end.close() } }
    var answer: UInt64 = 0
    both {
      try withUnsafeMutableBytes(of: &answer) { _ = try end.read(into: $0) }
    } _: {
      let one: UInt64 = 1
      note { try withUnsafeBytes(of: one) { _ = try end.write($0) } }
      // Whoever waits would do so for ever if nothing was written.
      try Coroutine.sleep(for: .milliseconds(1))
      note { try end.close() }
    }
    return "\(answer)"
  }

  /// Numbers by which these closes are known; nobody waits at the other end of these pipes, because
  /// a close that is refused does not happen.
  private func closing() throws -> String {
    var answer = ""
    for number in CInt(500)...501 {
      var ends: [CInt] = [0, 0]
      _ = Glibc.pipe(&ends)
      dup2(ends[0], number)
      for end in ends { _ = Glibc.close(end) }
      let end = try adopt(number, PipeEnd.init(adopting:))
      // The other one is dropped: its `deinit` closes it.
      if number == 500 { try end.close() }
      answer += "\(end.isClosed) "
    }
    return answer
  }

  private func splice() throws -> String {
    let (input, output) = (try Coroutine.pipe(), try Coroutine.pipe())
    defer {
      for end in [input.reader, input.writer, output.reader, output.writer] {
        note { try end.close() }
      }
    }
    try input.writer.writeAll("spliced")
    let count = try input.reader.splice(to: output.writer, count: 100)
    var buffer = [UInt8](repeating: 0, count: 200)
    return "\(count) \(try output.reader.read(into: &buffer))"
  }

  private func regularFile() throws -> String {
    let end = try adopt(test_memory_file(), PipeEnd.init(adopting:))
    defer { note { try end.close() } }
    let written = try end.write(pattern(100))
    lseek(end.fileDescriptor.rawValue, 0, SEEK_SET)
    var buffer = [UInt8](repeating: 0, count: 200)
    let count = try end.read(into: &buffer)
    return "\(written) \(count) \(buffer[..<count] == pattern(100)[...])"
  }
}
