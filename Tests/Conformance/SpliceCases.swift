import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// `PipeEnd.splice`, after Python's `os.splice` and splice(2).
  @Suite struct Splices {
    private struct Chain {
      let input: (reader: PipeEnd, writer: PipeEnd)
      let output: (reader: PipeEnd, writer: PipeEnd)

      init(_ mode: PipeFlags = []) throws {
        input = try Coroutine.pipe([.closeOnExec, mode])
        output = try Coroutine.pipe([.closeOnExec, mode])
      }

      func splice(_ count: Int = 65_536, timeout: Duration? = nil) throws(CoroutineError) -> Int {
        try input.reader.splice(to: output.writer, count: count, timeout: timeout)
      }
    }

    private static let modes: [PipeFlags] = [[], .nonBlocking]

    // MARK: What is moved

    @Test(arguments: BackendUnderTest.selected, modes)
    func `bytes are moved in order, no more than asked for`(
      on backend: BackendUnderTest, mode: PipeFlags
    ) throws {
      try backend.run {
        let chain = try Chain(mode)
        try chain.input.writer.writeAll("one two three")
        #expect(try chain.splice(4) == 4)
        #expect(try chain.output.reader.readText() == "one ")
        #expect(try chain.splice() == 9)
        #expect(try chain.output.reader.readText() == "two three")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `megabytes come through whole, up to the end`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        let all = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &>> 3) }
        let writing = spawn {
          try chain.input.writer.writeAll(all)
          try chain.input.writer.close()
        }
        let copying = spawn {
          var moved = 0
          while case let n = try chain.splice(100_000), n > 0 { moved += n }
          try chain.output.writer.close()
          return moved
        }
        let bytes = try readToEnd(chain.output.reader)
        try writing.value()
        #expect(try copying.value() == all.count)
        #expect(bytes == all)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a file goes into a pipe, and a pipe into a file`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          let flags = O_CREAT | O_RDWR
          let from = try PipeEnd(adopting: FileDescriptor(open(scratch.path("from"), flags, 0o600)))
          let to = try PipeEnd(adopting: FileDescriptor(open(scratch.path("to"), flags, 0o600)))
          try from.writeAll(Pattern.bytes(at: 0, count: 30_000))
          #expect(lseek(from.number, 0, SEEK_SET) == 0)
          let (reader, writer) = try Coroutine.pipe()
          #expect(try moveAll(from, to: writer) == 30_000)
          try writer.close()
          #expect(try moveAll(reader, to: to) == 30_000)
          #expect(lseek(to.number, 0, SEEK_SET) == 0)
          #expect(try readToEnd(to) == Array(Pattern.bytes(at: 0, count: 30_000)))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `devices are a source and a drain`(on backend: BackendUnderTest, mode: CInt) throws {
      try backend.run {
        let zero = try PipeEnd(adopting: FileDescriptor(open("/dev/zero", O_RDONLY | mode)))
        let null = try PipeEnd(adopting: FileDescriptor(open("/dev/null", O_WRONLY | mode)))
        let (reader, writer) = try Coroutine.pipe()
        var moved = 0
        while moved < 1_000_000 {
          let count = try zero.splice(to: writer, count: 10_000)
          #expect(try reader.splice(to: null, count: 10_000) == count)
          moved += count
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a socket in non-blocking mode goes both ways`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        #expect(fcntl(left.number, F_SETFL, statusFlags(left.number) | O_NONBLOCK) == 0)
        let socket = try PipeEnd(borrowing: left.fileDescriptor)
        let (reader, writer) = try Coroutine.pipe()
        let arriving = spawn { try socket.splice(to: writer, count: 100) }
        #expect(!arriving.hasEnded)
        try right.sendAll("in")
        #expect(try arriving.value() == 2)
        #expect(try reader.readText() == "in")
        try writer.writeAll("out")
        #expect(try reader.splice(to: socket, count: 100) == 3)
        #expect(try right.receiveText() == "out")
        // Who finds no room waits for it, and nothing is lost.
        var filled = 0
        while true {
          try writer.writeAll([UInt8](repeating: 1, count: 4096))
          guard let moved = try? reader.splice(to: socket, count: 4096, timeout: .zero) else {
            break
          }
          filled += moved
        }
        let leaving = spawn { try reader.splice(to: socket, count: 4096) }
        #expect(!leaving.hasEnded)
        #expect(try right.receiveExactly(filled).count == filled)
        let last = try leaving.value()
        #expect(last > 0)
        #expect(try right.receiveExactly(last).count == last)
        try socket.close()
      }
    }

    // MARK: Waiting

    @Test(arguments: BackendUnderTest.selected, modes)
    func `the source is waited for`(on backend: BackendUnderTest, mode: PipeFlags) throws {
      try backend.run {
        let chain = try Chain(mode)
        let splicing = spawn { try chain.splice() }
        try settle()
        #expect(!splicing.hasEnded)
        try chain.input.writer.writeAll("now")
        #expect(try splicing.value() == 3)
        #expect(try chain.output.reader.readText() == "now")
      }
    }

    @Test(arguments: BackendUnderTest.selected, modes)
    func `the target's room is waited for`(on backend: BackendUnderTest, mode: PipeFlags) throws {
      try backend.run {
        let chain = try Chain(mode)
        let filled = try chain.output.writer.fill()
        try chain.input.writer.writeAll("more")
        let splicing = spawn { try chain.splice() }
        try settle()
        #expect(!splicing.hasEnded)
        #expect(try chain.output.reader.readBytes(filled).count == filled)
        #expect(try splicing.value() == 4)
        #expect(try chain.output.reader.readText() == "more")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end is 0, also for who waits for it`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        let splicing = spawn { try chain.splice() }
        #expect(!splicing.hasEnded)
        try chain.input.writer.close()
        #expect(try splicing.value() == 0)
        #expect(try chain.splice() == 0)
        #expect(try chain.splice(timeout: .zero) == 0)
      }
    }

    @Test(
      arguments: BackendUnderTest.selected, [Duration.zero, .milliseconds(-1), .milliseconds(1)])
    func `a time that is up on either side loses nothing`(
      on backend: BackendUnderTest, timeout: Duration
    ) throws {
      try backend.run {
        let chain = try Chain()
        #expect(errorCode { _ = try chain.splice(timeout: timeout) } == .timeout)
        try chain.input.writer.writeAll("kept")
        let filled = try chain.output.writer.fill()
        let error = try failure { _ = try chain.splice(timeout: timeout) }
        #expect(error.code == .timeout)
        let ends = "from pipe \(chain.input.reader.number) to pipe \(chain.output.writer.number)"
        #expect(error.description == "splice \(ends): timed out")
        #expect(try chain.output.reader.readBytes(filled).count == filled)
        #expect(try chain.splice(timeout: timeout) == 4)
        #expect(try chain.output.reader.readText() == "kept")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `closing either end ends the wait on it`(on backend: BackendUnderTest) throws {
      try backend.run {
        let first = try Chain()
        let forSource = spawn { try first.splice() }
        try settle()
        try first.input.reader.close()
        #expect(try forSource.error().code == .closed)

        let second = try Chain()
        _ = try second.output.writer.fill()
        try second.input.writer.writeAll("kept")
        let forRoom = spawn { try second.splice() }
        try settle()
        try second.output.writer.close()
        #expect(try forRoom.error().code == .closed)
        #expect(try second.input.reader.readText() == "kept")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a target that is closed meanwhile gets nothing, nor whoever has its number then`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let chain = try Chain()
        let splicing = spawn { try chain.splice() }
        try settle()
        let number = chain.output.writer.number
        try chain.output.writer.close()
        let (reader, writer) = try Coroutine.pipe()
        #expect(writer.number == number || reader.number == number)
        try chain.input.writer.writeAll("kept")
        #expect(try splicing.error().code == .closed)
        #expect(errorCode { _ = try reader.readText(timeout: .zero) } == .timeout)
        #expect(try chain.input.reader.readText() == "kept")
        #expect(errorCode { _ = try chain.splice(timeout: .zero) } == .closed)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who is cancelled hears of it, before and while waiting`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let chain = try Chain()
        let splicing = spawn { try chain.splice() }
        try settle()
        splicing.coroutine.cancel()
        #expect(try splicing.error().code == .cancelled)
        try chain.input.writer.writeAll("kept")
        let later = spawn { try chain.splice() }
        #expect(try later.value() == 4)
      }
    }

    // MARK: The others

    @Test(arguments: BackendUnderTest.selected)
    func `who reads from the target is woken, though the loop is busy`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let chain = try Chain()
        for text in ["one", "two"] {
          let reading = spawn { try chain.output.reader.readText() }
          #expect(!reading.hasEnded)
          try chain.input.writer.writeAll(text)
          #expect(try chain.splice() == 3)
          try Fairness.keepBusy(until: { reading.hasEnded }) { try Coroutine.sleep() }
          #expect(try reading.value() == text)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who reads the same source gets what splice leaves`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        try chain.input.writer.writeAll("spliced")
        #expect(try chain.splice() == 7)
        let reading = spawn { try chain.input.reader.readText() }
        #expect(!reading.hasEnded)
        try chain.input.writer.writeAll("read")
        #expect(try reading.value() == "read")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one who always finds bytes and room starves nobody`(on backend: BackendUnderTest) throws {
      try backend.run {
        // Round and round, without a wait.
        let chain = try Chain()
        try chain.input.writer.writeAll("x")
        var isAwake = false
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          isAwake = true
        }.start()
        try Fairness.keepBusy(until: { isAwake }) {
          let there = try chain.splice()
          let back = try chain.output.reader.splice(to: chain.input.writer, count: 1)
          #expect(there == 1 && back == 1)
        }
        #expect(isAwake)
      }
    }

    // MARK: Errors

    @Test(arguments: BackendUnderTest.selected)
    func `a target without readers is an error and no signal`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        _ = try chain.output.writer.fill()
        try chain.input.writer.writeAll("x")
        let splicing = spawn { try chain.splice() }
        try settle()
        try chain.output.reader.close()
        #expect(try splicing.error().isSystem(EPIPE))
        #expect(try failure { _ = try chain.splice() }.isSystem(EPIPE))
        #expect(try chain.input.reader.readText() == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what splice cannot do is told by the kernel's own errors`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Scratch.with { scratch in
          let (reader, writer) = try Coroutine.pipe()
          try writer.writeAll("x")
          #expect(
            try failure { _ = try reader.splice(to: writer, count: 1) }.isSystem(EINVAL))
          #expect(
            try failure { _ = try writer.splice(to: reader, count: 1) }.isSystem(EBADF))
          let flags = O_CREAT | O_RDWR
          let file = try PipeEnd(adopting: FileDescriptor(open(scratch.path("a"), flags, 0o600)))
          let other = try PipeEnd(adopting: FileDescriptor(open(scratch.path("b"), flags, 0o600)))
          #expect(
            try failure { _ = try file.splice(to: other, count: 1) }.isSystem(EINVAL))
          let appending = try PipeEnd(
            adopting: FileDescriptor(open(scratch.path("a"), O_WRONLY | O_APPEND)))
          #expect(
            try failure { _ = try reader.splice(to: appending, count: 1) }.isSystem(EINVAL))
          #expect(try reader.readText() == "x")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, -1, Int.min])
    func `a count below one is refused`(on backend: BackendUnderTest, count: Int) throws {
      try backend.run {
        let chain = try Chain()
        let error = try failure { _ = try chain.splice(count) }
        #expect(error.code == .invalidArgument)
        #expect(error.description.hasSuffix("the count \(count) is less than 1"))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a socket or a terminal that would block the thread is refused`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        try writer.writeAll("kept")
        var sockets: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &sockets) == 0)
        let (device, program) = try terminal(isRaw: true)
        let ends = try (sockets + [device, program]).map {
          try PipeEnd(adopting: FileDescriptor($0))
        }
        for end in ends {
          for error in [
            try failure { _ = try reader.splice(to: end, count: 1) },
            try failure { _ = try end.splice(to: writer, count: 1) },
          ] {
            #expect(error.code == .misuse)
            #expect(error.description.contains("descriptor \(end.number) is in blocking mode"))
          }
        }
        #expect(try reader.readText() == "kept")
      }
    }

    /// Splices up to the end of `source`.
    private func moveAll(_ source: PipeEnd, to target: PipeEnd) throws -> Int {
      var moved = 0
      while case let n = try source.splice(to: target, count: 1 << 20), n > 0 { moved += n }
      return moved
    }
  }
}
