import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Descriptors that somebody else made; and those that the library makes, for somebody else.
  @Suite struct Adoption {
    /// Both ends of a pair of plain sockets.
    private func plainSockets(_ flags: CInt = 0) throws -> (CInt, CInt) {
      var ends: [CInt] = [-1, -1]
      let type = CInt(SOCK_STREAM.rawValue) | flags
      try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
      return (ends[0], ends[1])
    }

    private func plainPipe(_ flags: CInt = 0) throws -> (CInt, CInt) {
      var ends: [CInt] = [-1, -1]
      try #require(coro_pipe2(&ends, flags) == 0)
      return (ends[0], ends[1])
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `an adopted socket works and keeps its mode`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        let numbers = try plainSockets(mode)
        let flags = statusFlags(numbers.0)
        let left = try Socket(adopting: .init(rawValue: numbers.0))
        let right = try Socket(adopting: .init(rawValue: numbers.1))
        let receiver = spawn { try right.receiveText() }
        #expect(!receiver.hasEnded)
        try left.sendAll("x")
        #expect(try receiver.value() == "x")
        let size = try left.fill()
        let sender = spawn { try left.sendAll(Pattern.bytes(at: size, count: 1_000)) }
        #expect(!sender.hasEnded)
        #expect(errorCode { _ = try left.receiveText(timeout: .milliseconds(1)) } == .timeout)
        let receiving = spawn { try right.receivePattern() }
        try sender.value()
        try left.shutdown(.sending)
        #expect(try receiving.value() == size + 1_000)
        #expect(statusFlags(numbers.0) == flags && statusFlags(numbers.1) == flags)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `an adopted pipe works and keeps its mode`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        let numbers = try plainPipe(mode)
        let reader = try PipeEnd(adopting: .init(rawValue: numbers.0))
        let writer = try PipeEnd(adopting: .init(rawValue: numbers.1))
        let reading = spawn { try reader.readText() }
        #expect(!reading.hasEnded)
        try writer.writeAll("x")
        #expect(try reading.value() == "x")
        let size = try writer.fill()
        let writing = spawn { try writer.writeAll("more") }
        #expect(!writing.hasEnded)
        var buffer = [UInt8](repeating: 0, count: size)
        #expect(try reader.read(into: &buffer) == size)
        try writing.value()
        #expect(statusFlags(numbers.0) == O_RDONLY | mode)
        #expect(statusFlags(numbers.1) == O_WRONLY | mode)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `an adopted eventfd can be waited on`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        let number = eventfd(0, mode | O_CLOEXEC)
        let flags = statusFlags(number)
        let event = try PipeEnd(adopting: .init(rawValue: number))
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(errorCode { _ = try event.read(into: &buffer, timeout: .zero) } == .timeout)
        let waiting = spawn {
          var buffer = [UInt8](repeating: 0, count: 8)
          _ = try event.read(into: &buffer)
          return buffer[0]
        }
        #expect(!waiting.hasEnded)
        var value: UInt64 = 7
        #expect(Glibc.write(number, &value, 8) == 8)
        #expect(try waiting.value() == 7)
        try event.writeAll([3, 0, 0, 0, 0, 0, 0, 0])
        #expect(try event.read(into: &buffer) == 8)
        #expect(buffer[0] == 3)
        #expect(statusFlags(number) == flags)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an adopted file is written and read in order`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          let number = open(scratch.path("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
          let flags = statusFlags(number)
          let file = try PipeEnd(adopting: .init(rawValue: number))
          try file.writeAll("one ")
          try file.writeAll("two")
          #expect(lseek(number, 0, SEEK_SET) == 0)
          var buffer = [UInt8](repeating: 0, count: 4)
          #expect(try file.read(into: &buffer) == 4)
          #expect(buffer == Array("one ".utf8))
          #expect(try file.readText() == "two")
          #expect(try file.readText() == "")
          #expect(try file.readText(timeout: .zero) == "")
          #expect(statusFlags(number) == flags)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an adopted listener accepts, in blocking mode too`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let own = try inetListener()
        let number = try own.detach().rawValue
        _ = fcntl(number, F_SETFL, statusFlags(number) & ~O_NONBLOCK)
        let listener = try Socket(adopting: .init(rawValue: number))
        #expect(errorCode { _ = try listener.accept(timeout: .zero) } == .timeout)
        #expect(errorCode { _ = try listener.accept(timeout: .milliseconds(1)) } == .timeout)
        let acceptor = spawn { try listener.accept() }
        #expect(!acceptor.hasEnded)
        let client = try connected(to: listener)
        let peer = try acceptor.value()
        try client.sendAll("x")
        #expect(try peer.receiveText() == "x")
        #expect(statusFlags(number) & O_NONBLOCK == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a socket adopted as a pipe end is read and written`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let numbers = try plainSockets()
        let left = try PipeEnd(adopting: .init(rawValue: numbers.0))
        let right = try PipeEnd(adopting: .init(rawValue: numbers.1))
        let reading = spawn { try right.readText() }
        try left.writeAll("x")
        #expect(try reading.value() == "x")
        try right.close()
        #expect(try failure { try left.writeAll("x") }.isSystem(EPIPE))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an adopted TCP socket sees data, short reads and the end`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        let adopted = try Socket(adopting: try server.detach())
        for text in ["a", "bc"] {
          let receiver = spawn { try adopted.receiveText() }
          try client.sendAll(text)
          #expect(try receiver.value() == text)
        }
        try client.sendAll("last")
        try client.close()
        #expect(try adopted.receiveText() == "last")
        #expect(try adopted.receiveText() == "")
      }
    }

    // MARK: Refused

    @Test(arguments: BackendUnderTest.selected)
    func `what is no socket is not adopted as one, and stays open`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let numbers = try plainPipe()
        let error = try failure { _ = try Socket(adopting: .init(rawValue: numbers.0)) }
        #expect(error.code == .invalidArgument)
        #expect(error.description.contains("PipeEnd(adopting:)"))
        #expect(isOpen(numbers.0))
        Glibc.close(numbers.0)
        Glibc.close(numbers.1)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [-1, 999_999])
    func `a number that is not open is not adopted`(
      on backend: BackendUnderTest, number: CInt
    ) throws {
      try backend.run {
        let pipe = try failure { _ = try PipeEnd(adopting: .init(rawValue: number)) }
        let socket = try failure { _ = try Socket(adopting: .init(rawValue: number)) }
        for error in [pipe, socket] {
          #expect(error.isSystem(EBADF))
          #expect(error.call == "adopt" && error.operands == "descriptor \(number)")
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
          let reader = try PipeEnd(
            adopting: .init(rawValue: open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)))
          let reading = spawn { try reader.readBytes(8) }
          try settle()
          #expect(!reading.hasEnded)
          let writer = try PipeEnd(
            adopting: .init(rawValue: open(path, O_WRONLY | O_CLOEXEC)))
          try writer.writeAll("x")
          #expect(try reading.value() == Array("x".utf8))
          try writer.close()
          #expect(try reader.readBytes(8) == [])
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a file is read and written at its position, and a write is not cut`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Scratch.with { scratch in
          let number = open(scratch.path("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
          let file = try PipeEnd(adopting: .init(rawValue: number))
          let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
          #expect(try file.write(bytes) == bytes.count)
          #expect(lseek(number, 0, SEEK_CUR) == bytes.count)
          #expect(Glibc.write(number, "end", 3) == 3)
          lseek(number, 0, SEEK_SET)
          #expect(try file.readBytes(bytes.count) == bytes)
          #expect(lseek(number, 0, SEEK_CUR) == bytes.count)
          #expect(try file.readBytes(8) == Array("end".utf8))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a terminal that is told to wait for more gives what it has`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (device, program) = try terminal(isRaw: true)
        var settings = termios()
        tcgetattr(program, &settings)
        withUnsafeMutableBytes(of: &settings.c_cc) { characters in
          // Four bytes, or 25 seconds after the last one.
          characters[Int(VMIN)] = 4
          characters[Int(VTIME)] = 250
        }
        tcsetattr(program, TCSANOW, &settings)
        let outside = try PipeEnd(adopting: .init(rawValue: device))
        let inside = try PipeEnd(adopting: .init(rawValue: program))
        let reading = spawn { try inside.readBytes(8) }
        try settle()
        #expect(!reading.hasEnded)
        try outside.writeAll("ab")
        #expect(try reading.value() == Array("ab".utf8))
        #expect(errorCode { _ = try inside.readBytes(8, timeout: .zero) } == .timeout)
        withExtendedLifetime(outside) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a terminal in packet mode gives all it has`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (device, program) = try terminal(isRaw: true)
        try #require(setPacketMode(device) == 0)
        let outside = try PipeEnd(adopting: .init(rawValue: device))
        let inside = try PipeEnd(adopting: .init(rawValue: program))
        try inside.writeAll("hello")
        // A zero byte says that data follow (ioctl_tty(2)).
        #expect(try outside.readBytes(8) == [0] + Array("hello".utf8))
        #expect(errorCode { _ = try outside.readBytes(8, timeout: .zero) } == .timeout)
        withExtendedLifetime(inside) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an empty datagram that is read is no end that is waited for`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair(.datagram)
        let end = try PipeEnd(borrowing: right.fileDescriptor)
        let reading = spawn { try end.readBytes(8) }
        try settle()
        #expect(!reading.hasEnded)
        #expect(try left.send([]) == 0)
        #expect(try reading.value() == [])
        withExtendedLifetime(right) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a descriptor that was closed behind the owner's back is an error`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        Glibc.close(left.number)
        #expect(try failure { _ = try left.receiveText() }.isSystem(EBADF))
        #expect(try failure { try left.close() }.isSystem(EBADF))
        #expect(left.isClosed)
        try right.close()
      }
    }

    // MARK: For somebody else

    @Test(arguments: BackendUnderTest.selected)
    func `every descriptor that the library makes is closed on exec`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for family in [Socket.Family.inet, .inet6, .unix] {
          for kind in [Socket.Kind.stream, .datagram] {
            #expect(isCloseOnExec(try Coroutine.socket(family, kind).number))
          }
        }
        for transport in Transport.allCases {
          let (client, server) = try transport.pair()
          #expect(isCloseOnExec(client.number) && isCloseOnExec(server.number), "\(transport)")
        }
        let listener = try unixListener()
        let acceptor = spawn { try listener.accept() }
        let client = try connected(to: listener)
        #expect(isCloseOnExec(try acceptor.value().number) && isCloseOnExec(client.number))
        for kind in [Socket.Kind.stream, .datagram, .seqpacket] {
          let (left, right) = try Coroutine.socketPair(kind)
          #expect(isCloseOnExec(left.number) && isCloseOnExec(right.number))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `no descriptor of the backend's own outlives its loop, or is inherited`(
      on backend: BackendUnderTest
    ) throws {
      func openDescriptors() -> [CInt] { (CInt(0)..<256).filter(isOpen) }
      let before = openDescriptors()
      try backend.run {
        try Coroutine.sleep(for: .microseconds(100))
        let own = openDescriptors().filter { !before.contains($0) }
        #expect(own.allSatisfy(isCloseOnExec))
      }
      #expect(openDescriptors() == before)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what is accepted or paired is in blocking mode, as a child expects it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let (client, accepted) = try Transport.inet.pair()
        for socket in [left, right, accepted] {
          #expect(errorCode { _ = try socket.receiveText(timeout: .milliseconds(1)) } == .timeout)
          #expect(statusFlags(socket.number) & O_NONBLOCK == 0)
        }
        try client.close()
      }
    }
  }
}
