import CLinux
import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// `PipeEnd(adopting:)` on every kind of descriptor: reading and writing never block the thread
  /// nor change a mode, whatever the mode is.
  @Suite struct AdoptedKinds {
    // MARK: Terminals

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `a terminal is read and written from both sides`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        let (device, program) = try terminal(isRaw: true, mode: mode)
        let flags = [statusFlags(device), statusFlags(program)]
        let outside = try PipeEnd(adopting: FileDescriptor(device))
        let inside = try PipeEnd(adopting: FileDescriptor(program))
        for (from, to) in [(outside, inside), (inside, outside)] {
          #expect(errorCode { _ = try to.readText(timeout: .zero) } == .timeout)
          #expect(errorCode { _ = try to.readText(timeout: .milliseconds(1)) } == .timeout)
          let reading = spawn { try to.readText() }
          #expect(!reading.hasEnded)
          try from.writeAll("text")
          #expect(try reading.value() == "text")
        }
        #expect([statusFlags(device), statusFlags(program)] == flags)
        // When the program's side is gone, a read of the device fails.
        try inside.close()
        #expect(try failure { _ = try outside.readText() }.isSystem(EIO))
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `a terminal that nobody reads takes what it has room for, and blocks nothing`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        for text in ["plain, and no line's end. ", "a line\n", "\n", "\t\t\r\n"] {
          let (device, program) = try terminal(isRaw: false, mode: mode)
          let outside = try PipeEnd(adopting: FileDescriptor(device))
          let inside = try PipeEnd(adopting: FileDescriptor(program))
          // More than a terminal has room for; some go out one by one, so not much more.
          let bytes = Array(String(repeating: text, count: 30_000 / text.utf8.count).utf8)
          #expect(errorCode { try inside.writeAll(bytes, timeout: .milliseconds(20)) } == .timeout)
          let writing = spawn { try inside.writeAll(bytes) }
          #expect(!writing.hasEnded)
          // What was written last may have been read before its writer hears of it.
          while !writing.hasEnded { _ = try? outside.readBytes(4096, timeout: .milliseconds(1)) }
          try writing.value()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `a terminal's output comes through whole, with its line ends made two bytes`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        let (device, program) = try terminal(isRaw: false, mode: mode)
        let outside = try PipeEnd(adopting: FileDescriptor(device))
        let inside = try PipeEnd(adopting: FileDescriptor(program))
        let lines = (0..<2_000).map { "line \($0)\(String(repeating: ".", count: $0 % 300))" }
        let writing = spawn { try inside.writeAll(lines.joined(separator: "\n") + "\n") }
        let expected = Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
        var text: [UInt8] = []
        while text.count < expected.count { text += try outside.readBytes(3_000) }
        try writing.value()
        #expect(text == expected)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a terminal that edits lines gives whole lines, and the end at its key`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (device, program) = try terminal(isRaw: false)
        let outside = try PipeEnd(adopting: FileDescriptor(device))
        let inside = try PipeEnd(adopting: FileDescriptor(program))
        let reading = spawn { try inside.readText() }
        try outside.writeAll("half a li")
        try settle()
        #expect(!reading.hasEnded)
        try outside.writeAll("ne\n\u{4}")
        #expect(try reading.value() == "half a line\n")
        #expect(try inside.readText() == "")
      }
    }

    // MARK: Descriptors that tell of events

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `a timerfd is read when it expires`(on backend: BackendUnderTest, mode: CInt) throws {
      try backend.run {
        let number = timer(.milliseconds(2), mode: mode)
        let flags = statusFlags(number)
        let clock = try PipeEnd(adopting: FileDescriptor(number))
        #expect(errorCode { _ = try clock.readBytes(8, timeout: .zero) } == .timeout)
        let start = Instant.now
        #expect(try clock.readBytes(8) == [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(Instant.now - start < .seconds(10))
        #expect(errorCode { _ = try clock.readBytes(8, timeout: .milliseconds(1)) } == .timeout)
        setTimer(number, .microseconds(1))
        #expect(try failure { _ = try clock.readBytes(4) }.isSystem(EINVAL))
        #expect(try failure { _ = try clock.write([1]) }.isSystem(EINVAL))
        #expect(statusFlags(number) == flags)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `an eventfd that is full is written when it was read`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        let number = eventfd(0, mode)
        let event = try PipeEnd(adopting: FileDescriptor(number))
        try event.writeAll([0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        let one: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
        #expect(errorCode { _ = try event.write(one, timeout: .zero) } == .timeout)
        #expect(errorCode { _ = try event.write(one, timeout: .milliseconds(1)) } == .timeout)
        let writing = spawn { try event.writeAll(one) }
        #expect(!writing.hasEnded)
        #expect(try event.readBytes(8)[0] == 0xFE)
        try writing.value()
        #expect(try event.readBytes(8) == one)
        #expect(try failure { _ = try event.readBytes(7) }.isSystem(EINVAL))
        #expect(try failure { _ = try event.write([1, 2, 3]) }.isSystem(EINVAL))
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `an inotify descriptor is read when something happens`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        try Scratch.with { scratch in
          let number = try watch(scratch.path("."), mode: mode)
          let flags = statusFlags(number)
          let watcher = try PipeEnd(adopting: FileDescriptor(number))
          #expect(errorCode { _ = try watcher.readBytes(512, timeout: .zero) } == .timeout)
          let reading = spawn { try watcher.readBytes(512) }
          try settle()
          #expect(!reading.hasEnded)
          Glibc.close(open(scratch.path("name"), O_CREAT | O_WRONLY, 0o600))
          let event = try reading.value()
          #expect(String(decoding: event, as: UTF8.self).contains("name"))
          Glibc.close(open(scratch.path("other"), O_CREAT | O_WRONLY, 0o600))
          #expect(try failure { _ = try watcher.readBytes(8) }.isSystem(EINVAL))
          #expect(try watcher.readBytes(512).count == event.count)
          #expect(statusFlags(number) == flags)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `a signalfd is read when the signal comes`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        try withSignalDescriptor(SIGUSR2, mode: mode) { number in
          let signals = try PipeEnd(borrowing: FileDescriptor(number))
          #expect(errorCode { _ = try signals.readBytes(128, timeout: .zero) } == .timeout)
          let reading = spawn { try signals.readBytes(128) }
          try settle()
          #expect(!reading.hasEnded)
          raiseHere(SIGUSR2)
          let information = try reading.value()
          #expect(information.count == 128 && CInt(information[0]) == SIGUSR2)
          // Before Linux 6.10 nobody looks at the size as long as there is no signal.
          raiseHere(SIGUSR2)
          #expect(try failure { _ = try signals.readBytes(64) }.isSystem(EINVAL))
          #expect(try signals.readBytes(128).count == 128)
          try signals.close()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a pidfd is waited for, and neither read nor written`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let child = try Child("exit 3", output: 1)
        let process = try PipeEnd(
          adopting: FileDescriptor(try processDescriptor(child.process)))
        #expect(try process.waitReadable().contains(.readable))
        #expect(child.wait() == 3)
        #expect(try failure { _ = try process.readBytes(8) }.isSystem(EINVAL))
        #expect(try failure { _ = try process.write([1]) }.isSystem(EINVAL))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an epoll descriptor is waited for, and neither read nor written`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let number = epoll_create1(CInt(EPOLL_CLOEXEC))
        let epoll = try PipeEnd(adopting: FileDescriptor(number))
        let event = eventfd(0, CInt(EFD_CLOEXEC))
        #expect(coro_epoll_add(number, event, EPOLLIN.rawValue, 0) == 0)
        let waiting = spawn { try epoll.waitReadable() }
        #expect(!waiting.hasEnded)
        var one: UInt64 = 1
        _ = Glibc.write(event, &one, 8)
        #expect(try waiting.value().contains(.readable))
        #expect(try failure { _ = try epoll.readBytes(8) }.isSystem(EINVAL))
        Glibc.close(event)
      }
    }

    // MARK: Files and what looks like one

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `the null and the zero device`(on backend: BackendUnderTest, mode: CInt) throws {
      try backend.run {
        let null = try PipeEnd(adopting: FileDescriptor(open("/dev/null", O_RDWR | mode)))
        #expect(try null.readText() == "")
        try null.writeAll([UInt8](repeating: 1, count: 1_000_000))
        let zero = try PipeEnd(adopting: FileDescriptor(open("/dev/zero", O_RDONLY | mode)))
        // The device stops short where the thread is interrupted (read_zero in the kernel).
        var zeros: [UInt8] = []
        while zeros.count < 10_000 { zeros += try zero.readBytes(10_000 - zeros.count) }
        #expect(zeros == [UInt8](repeating: 0, count: 10_000))
        #expect(try zero.readBytes(1, timeout: .zero) == [0])
        let full = try PipeEnd(adopting: FileDescriptor(open("/dev/full", O_WRONLY | mode)))
        #expect(try failure { _ = try full.write("x") }.isSystem(ENOSPC))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a directory and a bare path are refused by the kernel's own errors`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let directory = try PipeEnd(
          adopting: FileDescriptor(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)))
        let error = try failure { _ = try directory.readBytes(8) }
        #expect(error.isSystem(EISDIR))
        #expect(error.description.contains("Is a directory"))
        #expect(try failure { _ = try directory.write([1]) }.isSystem(EBADF))
        let path = try PipeEnd(adopting: FileDescriptor(open("/tmp", pathOnly | O_CLOEXEC)))
        #expect(try failure { _ = try path.readBytes(8) }.isSystem(EBADF))
        #expect(try failure { _ = try path.write([1]) }.isSystem(EBADF))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the wrong direction is EBADF, and disturbs nobody in the right one`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let reading = spawn { try reader.readText() }
        let waiting = spawn { try reader.waitReadable() }
        #expect(try failure { _ = try reader.write("x") }.isSystem(EBADF))
        #expect(try failure { _ = try writer.readText() }.isSystem(EBADF))
        try settle()
        #expect(!reading.hasEnded && !waiting.hasEnded)
        try writer.writeAll("x")
        #expect(try reading.value() == "x")
        #expect(try waiting.value() == .readable)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `a named pipe, opened for both or for one direction`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        try Scratch.with { scratch in
          try #require(mkfifo(scratch.path("fifo"), 0o600) == 0)
          let both = try PipeEnd(
            adopting: FileDescriptor(open(scratch.path("fifo"), O_RDWR | mode)))
          let reading = spawn { try both.readText() }
          #expect(!reading.hasEnded)
          let writer = try PipeEnd(
            adopting: FileDescriptor(open(scratch.path("fifo"), O_WRONLY | mode)))
          try writer.writeAll("x")
          #expect(try reading.value() == "x")
          _ = try writer.fill()
          #expect(errorCode { _ = try both.write("x", timeout: .zero) } == .timeout)
          #expect(try both.readBytes(4096).count == 4096)
          try both.writeAll("x", timeout: .zero)
        }
      }
    }

    // MARK: The mode is the open file's

    @Test(arguments: BackendUnderTest.selected)
    func `others may change the mode at any time, and nothing blocks`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (device, program) = try terminal(isRaw: true, mode: O_NONBLOCK)
        var ends: [CInt] = [-1, -1]
        try #require(coro_pipe2(&ends, O_NONBLOCK) == 0)
        let (left, right) = try Coroutine.socketPair()
        for (input, output) in [
          (ends[0], ends[1]), (program, device), (try left.detach().rawValue, right.number),
        ] {
          let reader = try PipeEnd(adopting: FileDescriptor(input))
          let writer = try PipeEnd(borrowing: FileDescriptor(output))
          for mode in [0, O_NONBLOCK, 0] {
            for number in [input, output] {
              _ = fcntl(number, F_SETFL, statusFlags(number) & ~O_NONBLOCK | mode)
            }
            #expect(errorCode { _ = try reader.readText(timeout: .zero) } == .timeout)
            let reading = spawn { try reader.readText() }
            try settle()
            #expect(!reading.hasEnded)
            try writer.writeAll("x")
            #expect(try reading.value() == "x")
            let bytes = [UInt8](repeating: 65, count: 1_000_000)
            #expect(
              errorCode { try writer.writeAll(bytes, timeout: .milliseconds(1)) } == .timeout)
            while errorCode({ _ = try reader.readBytes(60_000, timeout: .milliseconds(1)) }) == nil
            {
            }
          }
          try writer.close()
        }
      }
    }

    // MARK: Borrowing

    @Test(arguments: BackendUnderTest.selected)
    func `what is borrowed is used like one's own, and left open`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let number = left.number
        for _ in 0..<3 {
          let socket = try Socket(borrowing: FileDescriptor(number))
          let receiver = spawn { try socket.receiveText() }
          try right.sendAll("x")
          #expect(try receiver.value() == "x")
          let waiting = spawn { try socket.receiveText() }
          #expect(!waiting.hasEnded)
          try socket.close()
          #expect(try waiting.error().code == .closed)
          #expect(socket.isClosed && isOpen(number))
          #expect(try failure { _ = try socket.receiveText() }.code == .closed)
          let end = try PipeEnd(borrowing: FileDescriptor(number))
          #expect(errorCode { _ = try end.readText(timeout: .milliseconds(1)) } == .timeout)
          try end.writeAll("y")
          #expect(try right.receiveText() == "y")
        }
        #expect(isOpen(number))
        let receiver = spawn { try left.receiveText() }
        try right.sendAll("z")
        #expect(try receiver.value() == "z")
        #expect(try failure { _ = try Socket(borrowing: FileDescriptor(-1)) }.isSystem(EBADF))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a borrowed descriptor can be given up, and its owner waits on`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let reading = spawn { try reader.readText() }
        let borrowed = try PipeEnd(borrowing: FileDescriptor(reader.number))
        let waiting = spawn { try borrowed.waitReadable() }
        #expect(try borrowed.detach() == FileDescriptor(reader.number))
        #expect(try waiting.error().code == .closed)
        try settle()
        #expect(!reading.hasEnded)
        try writer.writeAll("x")
        #expect(try reading.value() == "x")
      }
    }
  }
}
