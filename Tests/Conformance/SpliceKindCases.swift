import CLinux
import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// `PipeEnd.splice` from and to what is no pipe, and what it refuses.
  @Suite struct SpliceKinds {
    // MARK: Kinds

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
        let code = errorCode {
          while true {
            try writer.writeAll([UInt8](repeating: 1, count: 4096))
            filled += try reader.splice(to: socket, count: 4096, timeout: .zero)
          }
        }
        #expect(code == .timeout)
        let leaving = spawn { try reader.splice(to: socket, count: 4096) }
        #expect(!leaving.hasEnded)
        #expect(try right.receiveExactly(filled).count == filled)
        let last = try leaving.value()
        #expect(last > 0)
        #expect(try right.receiveExactly(last).count == last)
        try socket.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a file's count may be as large as a number can be`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          let file = try PipeEnd(
            adopting: FileDescriptor(open(scratch.path("file"), O_CREAT | O_RDWR, 0o600)))
          try file.writeAll("some, and more")
          #expect(lseek(file.number, 6, SEEK_SET) == 6)
          let (reader, writer) = try Coroutine.pipe()
          #expect(try file.splice(to: writer, count: .max, timeout: .zero) == 8)
          #expect(try file.splice(to: writer, count: .max, timeout: .zero) == 0)
          #expect(try reader.splice(to: file, count: .max, timeout: .zero) == 8)
          #expect(lseek(file.number, 0, SEEK_CUR) == 22)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a FIFO that nobody has opened yet to write to is waited for`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Scratch.with { scratch in
          let path = scratch.path("fifo")
          #expect(mkfifo(path, 0o600) == 0)
          let fifo = try PipeEnd(
            adopting: FileDescriptor(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)))
          let (reader, writer) = try Coroutine.pipe()
          #expect(
            errorCode { _ = try fifo.splice(to: writer, count: 9, timeout: .zero) } == .timeout)
          let splicing = spawn { try fifo.splice(to: writer, count: 9) }
          try settle()
          #expect(!splicing.hasEnded)
          let other = try PipeEnd(adopting: FileDescriptor(open(path, O_WRONLY | O_CLOEXEC)))
          try other.writeAll("x")
          #expect(try splicing.value() == 1)
          #expect(try reader.readText() == "x")
          try other.close()
          #expect(try fifo.splice(to: writer, count: 9) == 0)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a terminal in non-blocking mode is a drain`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (device, program) = try terminal(isRaw: true, mode: O_NONBLOCK)
        let outside = try PipeEnd(adopting: FileDescriptor(device))
        let inside = try PipeEnd(adopting: FileDescriptor(program))
        let (reader, writer) = try Coroutine.pipe()
        try writer.writeAll("shown")
        #expect(try reader.splice(to: inside, count: 100) == 5)
        #expect(try outside.readText() == "shown")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a mode that others change meanwhile is seen`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let flags = statusFlags(left.number)
        _ = fcntl(left.number, F_SETFL, flags | O_NONBLOCK)
        let socket = try PipeEnd(borrowing: left.fileDescriptor)
        let (reader, writer) = try Coroutine.pipe()
        let splicing = spawn { try reader.splice(to: socket, count: 100) }
        try settle()
        _ = fcntl(left.number, F_SETFL, flags)
        try writer.writeAll("kept")
        #expect(try splicing.error().code == .misuse)
        #expect(try reader.readText() == "kept")
        #expect(errorCode { _ = try right.receiveText(timeout: .zero) } == .timeout)
        try socket.close()
        #expect(errorCode { _ = try reader.splice(to: socket, count: 1) } == .closed)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [false, true])
    func `urgent data is told, and not taken for the end`(
      on backend: BackendUnderTest, ends: Bool
    ) throws {
      try backend.run {
        let (left, right) = try Transport.inet.pair()
        _ = fcntl(left.number, F_SETFL, statusFlags(left.number) | O_NONBLOCK)
        let socket = try PipeEnd(borrowing: left.fileDescriptor)
        let (reader, writer) = try Coroutine.pipe()
        try right.sendAll("head")
        try right.sendAll("!", flags: .outOfBand)
        try right.sendAll("tail")
        if ends { try right.shutdown(.sending) }
        try left.wait(for: .urgent)
        #expect(try socket.splice(to: writer, count: 99) == 4)
        let error = try failure { _ = try socket.splice(to: writer, count: 99) }
        #expect(error.code == .misuse)
        #expect(error.description.contains("has urgent data next"))
        #expect(try left.receiveText(timeout: .seconds(60)) == "tail")
        #expect(try reader.readText() == "head")
        try socket.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `what has no such call says so, and is not waited for`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        let event = try PipeEnd(adopting: FileDescriptor(eventfd(0, mode)))
        let zero = try PipeEnd(adopting: FileDescriptor(open("/dev/zero", O_WRONLY | mode)))
        let (reader, writer) = try Coroutine.pipe()
        try writer.writeAll("kept")
        #expect(try failure { _ = try event.splice(to: writer, count: 8) }.isSystem(EINVAL))
        #expect(try failure { _ = try event.splice(to: reader, count: 8) }.isSystem(EBADF))
        #expect(try failure { _ = try zero.splice(to: writer, count: 8) }.isSystem(EBADF))
        #expect(try reader.readText() == "kept")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `sockets whose messages would be cut are refused`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        for kind in [SOCK_DGRAM, SOCK_SEQPACKET] {
          var sockets: [CInt] = [-1, -1]
          let type = CInt(kind.rawValue) | O_NONBLOCK
          try #require(socketpair(AF_UNIX, type, 0, &sockets) == 0)
          let ends = try sockets.map { try PipeEnd(adopting: FileDescriptor($0)) }
          let error = try failure { _ = try ends[0].splice(to: writer, count: 1) }
          #expect(error.code == .misuse)
          #expect(error.description.hasSuffix("is a socket whose messages would be cut"))
          #expect(errorCode { _ = try reader.splice(to: ends[1], count: 1) } == .misuse)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who was cancelled hears of it, whatever the ends are`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        _ = fcntl(left.number, F_SETFL, statusFlags(left.number) | O_NONBLOCK)
        try right.sendAll("x")
        let zero = try PipeEnd(adopting: FileDescriptor(open("/dev/zero", O_RDONLY)))
        for source in [zero, try PipeEnd(borrowing: left.fileDescriptor)] {
          let (reader, writer) = try Coroutine.pipe()
          let splicing = Coroutine {
            Coroutine.current.cancel()
            #expect(errorCode { _ = try source.splice(to: writer, count: 1) } == .cancelled)
            let moved = try source.splice(to: writer, count: 1)
            #expect(moved == 1)
          }
          splicing.start()
          try splicing.join()
          #expect(try reader.readBytes(9).count == 1)
          try source.close()
        }
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
          // The wrong end of a pipe is not waited for, whatever the other one is.
          #expect(try failure { _ = try file.splice(to: reader, count: 1) }.isSystem(EBADF))
          #expect(try failure { _ = try writer.splice(to: file, count: 1) }.isSystem(EBADF))
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
        let (reader, writer) = try Coroutine.pipe()
        let error = try failure { _ = try reader.splice(to: writer, count: count) }
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
