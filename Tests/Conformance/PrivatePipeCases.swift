import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Pipes whose ends nobody else has, so that a backend may go by what it has counted.
  ///
  /// And what ends that. Where it went by a wrong count the thread would block, and the case hang.
  @Suite struct PrivatePipes {
    /// A pipe of which the loop knows that it is empty, and nobody was told a number.
    private func usedPipe(
      _ flags: PipeFlags = .closeOnExec
    ) throws -> (reader: PipeEnd, writer: PipeEnd) {
      let (reader, writer) = try Coroutine.pipe(flags)
      for _ in 0..<2 {
        let reading = spawn { try reader.readText() }
        try writer.writeAll("begin")
        #expect(try reading.value() == "begin")
      }
      return (reader, writer)
    }

    /// That nothing is in the pipe, and that it goes on working.
    private func expectEmpty(_ reader: PipeEnd, _ writer: PipeEnd) throws {
      #expect(errorCode { _ = try reader.readText(timeout: .milliseconds(1)) } == .timeout)
      let reading = spawn { try reader.readText() }
      try writer.writeAll("end")
      #expect(try reading.value() == "end")
    }

    /// That there is no room in the pipe.
    private func expectFull(_ writer: PipeEnd) {
      for timeout in [Duration.zero, .milliseconds(1)] {
        #expect(errorCode { _ = try writer.write("x", timeout: timeout) } == .timeout)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what is written in pieces is read in other pieces, and then nothing is left`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try usedPipe()
        try writer.writeAll("ab")
        try writer.writeAll("cde")
        var buffer = [UInt8](repeating: 0, count: 2)
        for count in [2, 2, 1] { #expect(try reader.read(into: &buffer) == count) }
        try expectEmpty(reader, writer)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who reads less than is there leaves the rest to the next one`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try usedPipe()
        let waiting = (0..<3).map { _ in spawn { try reader.readByte() } }
        try writer.writeAll([1, 2])
        #expect(try waiting[0].value() == 1)
        #expect(try waiting[1].value() == 2)
        #expect(!waiting[2].hasEnded)
        try writer.writeAll([3, 4, 5])
        #expect(try waiting[2].value() == 3)
        #expect(try reader.readByte() == 4)
        #expect(try reader.readByte() == 5)
        try expectEmpty(reader, writer)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a full pipe's writer waits, however full it was thought to be`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        // It is empty, and the loop has not met it as a pair.
        #expect(errorCode { _ = try reader.readText(timeout: .zero) } == .timeout)
        let count = try writer.fill()
        expectFull(writer)
        let reading = spawn {
          var byte: [UInt8] = [0]
          return try reader.read(into: &byte)
        }
        expectFull(writer)
        #expect(try reading.value() == 1)
        var rest = [UInt8](repeating: 0, count: count)
        #expect(try reader.read(into: &rest) == count - 1)
        try expectEmpty(reader, writer)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [4096, 4097, 70_000])
    func `a page at once, and more`(on backend: BackendUnderTest, count: Int) throws {
      try backend.run {
        let (reader, writer) = try usedPipe()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &>> 2) }
        for _ in 0..<3 {
          let writing = spawn { try writer.writeAll(bytes) }
          var received: [UInt8] = []
          var buffer = [UInt8](repeating: 0, count: 10_000)
          while received.count < count {
            received += buffer[..<(try reader.read(into: &buffer))]
          }
          try writing.value()
          #expect(received == bytes)
        }
        try expectEmpty(reader, writer)
      }
    }

    // MARK: Others come in

    @Test(arguments: BackendUnderTest.selected)
    func `who was told the number may take what was counted`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try usedPipe()
        try writer.writeAll("lost")
        var buffer = [UInt8](repeating: 0, count: 4)
        #expect(read(reader.fileDescriptor.rawValue, &buffer, 4) == 4)
        try expectEmpty(reader, writer)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who was told the number may fill the pipe`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try usedPipe()
        let number = writer.fileDescriptor.rawValue
        #expect(fcntl(number, F_SETFL, O_NONBLOCK) == 0)
        let page = [UInt8](repeating: 0, count: 4096)
        while write(number, page, page.count) > 0 {}
        #expect(fcntl(number, F_SETFL, 0) == 0)
        expectFull(writer)
        #expect(try reader.readText().count == 4096)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a forked child may take what was counted`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try usedPipe()
        let process = forkProcess()
        if process == 0 {
          var buffer: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)
          _exit(read(reader.fileDescriptor.rawValue, &buffer, 4) == 4 ? 0 : 1)
        }
        try writer.writeAll("lost")
        #expect(Child(process: process).wait() == 0)
        try expectEmpty(reader, writer)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a splice may take what was counted`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try usedPipe()
        let target = try Coroutine.pipe()
        try writer.writeAll("lost")
        #expect(try reader.splice(to: target.writer, count: 100) == 4)
        try expectEmpty(reader, writer)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a splice may fill the pipe`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try usedPipe()
        let source = try Coroutine.pipe()
        let count = try source.writer.fill()
        var moved = 0
        while moved < count { moved += try source.reader.splice(to: writer, count: count) }
        expectFull(writer)
        #expect(try !reader.readText().isEmpty)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what is left of a packet is gone`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try usedPipe([.closeOnExec, .packets])
        try writer.writeAll("lost")
        var buffer = [UInt8](repeating: 0, count: 1)
        #expect(try reader.read(into: &buffer) == 1)
        try expectEmpty(reader, writer)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an end that was given up is another's`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try usedPipe()
        try writer.writeAll("lost")
        let number = try reader.detach().rawValue
        defer { Glibc.close(number) }
        let bytes = [UInt8](repeating: 0, count: 4096)
        // Whoever has it does not read: a page a time, until there is no room.
        while (try? writer.write(bytes, timeout: .zero)) != nil {}
        expectFull(writer)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `another loop's writing is not counted`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        #expect(errorCode { _ = try reader.readText(timeout: .milliseconds(1)) } == .timeout)
        // Not used here before the thread has ended.
        nonisolated(unsafe) let lent = writer
        let choice = backend.choice
        let thread = ThreadJob {
          try? Coroutine.run(on: choice) {
            _ = try lent.write([UInt8](repeating: 1, count: 61_440), timeout: .zero)
          }
        }
        thread.join()
        // It is full now, less than a page apart, and neither write may wait with the thread.
        _ = try writer.write("x", timeout: .milliseconds(1))
        var byte: [UInt8] = [0]
        #expect(try reader.read(into: &byte) == 1)
        let page = [UInt8](repeating: 2, count: 4096)
        _ = try? writer.write(page, timeout: .milliseconds(1))
        #expect(errorCode { _ = try writer.write(page, timeout: .milliseconds(1)) } == .timeout)
      }
    }

    // MARK: What is under way

    @Test(arguments: BackendUnderTest.selected)
    func `what a waiting writer has written counts once, however late it is told`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let whole = [UInt8](repeating: 1, count: 65_536)
        #expect(try writer.write(whole) == whole.count)
        let writing = spawn { try writer.writeAll([UInt8](repeating: 2, count: 1_000)) }
        var buffer = whole
        #expect(try reader.read(into: &buffer) == whole.count)
        // So many that a small ring has to begin what was asked for, and is not heard.
        let pairs = try (0..<20).map { _ in try Coroutine.socketPair() }
        let receivers = pairs.map { pair in spawn { try pair.0.receiveText() } }
        #expect(try reader.read(into: &buffer) == 1_000)
        let reading = spawn { try reader.readText() }
        try writing.value()
        try writer.writeAll("x")
        #expect(try reading.value() == "x")
        try expectEmpty(reader, writer)
        for pair in pairs { try pair.1.sendAll("y") }
        for receiver in receivers { #expect(try receiver.value() == "y") }
      }
    }
  }
}
