import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `Coroutine.pipe`, after Python's `os.pipe2` and pipe(7).
  @Suite struct Pipes {
    // MARK: Flags

    @Test(arguments: BackendUnderTest.selected)
    func `the ends are closed on exec by default`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        #expect(isCloseOnExec(reader.number) && isCloseOnExec(writer.number))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `without flags the ends are inherited`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe([])
        #expect(!isCloseOnExec(reader.number) && !isCloseOnExec(writer.number))
        try writer.writeAll("works")
        #expect(try reader.readText() == "works")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the ends are in blocking mode, and stay so`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        #expect(statusFlags(reader.number) == O_RDONLY)
        #expect(statusFlags(writer.number) == O_WRONLY)
        let waiting = spawn { try reader.readText() }
        try writer.writeAll("x")
        try waiting.value()
        _ = try writer.fill()
        #expect(statusFlags(reader.number) == O_RDONLY)
        #expect(statusFlags(writer.number) == O_WRONLY)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `nonBlocking sets the mode and changes nothing else`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe([.nonBlocking, .closeOnExec])
        #expect(statusFlags(reader.number) == O_RDONLY | O_NONBLOCK)
        #expect(statusFlags(writer.number) == O_WRONLY | O_NONBLOCK)
        #expect(isCloseOnExec(reader.number))
        let waiting = spawn { try reader.readText() }
        #expect(!waiting.hasEnded)
        try writer.writeAll("x")
        #expect(try waiting.value() == "x")
        let before = try writer.fill()
        let writing = spawn { try writer.writeAll("more") }
        #expect(!writing.hasEnded)
        var buffer = [UInt8](repeating: 0, count: before)
        #expect(try reader.read(into: &buffer) == before)
        try writing.value()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `packets are read one at a time`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe([.packets, .closeOnExec])
        try writer.writeAll("one")
        try writer.writeAll("three")
        #expect(try reader.readText() == "one")
        #expect(try reader.readText() == "three")
      }
    }

    // MARK: Reading and writing

    @Test(arguments: BackendUnderTest.selected)
    func `what is written is read in order`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        for number in 0..<10 { try writer.writeAll("\(number)") }
        #expect(try reader.readText() == "0123456789")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a reader waits until something is written`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let waiting = spawn { try reader.readText() }
        #expect(!waiting.hasEnded)
        try writer.writeAll("now")
        #expect(try waiting.value() == "now")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end comes when every writer has closed, and not before`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let other = try PipeEnd(adopting: .init(rawValue: dup(writer.number)))
        let waiting = spawn { try reader.readText() }
        try writer.close()
        try settle()
        #expect(!waiting.hasEnded)
        try other.close()
        #expect(try waiting.value() == "")
        #expect(try reader.readText() == "")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what was written before the end is read before the end`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        try writer.writeAll("last words")
        try writer.close()
        #expect(try reader.readText() == "last words")
        #expect(try reader.readText() == "")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `writing without a reader is an error and no signal`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        try reader.close()
        for _ in 0..<3 {
          let error = try failure { try writer.writeAll("x") }
          #expect(error.isSystem(EPIPE))
          #expect(error.description.hasPrefix("writeAll to pipe \(writer.number): Broken pipe"))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a writer that waits hears that the reader is gone`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        _ = try writer.fill()
        let waiting = spawn { try writer.writeAll("more") }
        #expect(!waiting.hasEnded)
        try reader.close()
        #expect(try waiting.error().isSystem(EPIPE))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a pipe takes 64 KiB, then its writer waits until it is read`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let capacity = Int(fcntl(writer.number, 1032 /* F_GETPIPE_SZ */))
        #expect(try writer.fill() == capacity)
        let waiting = spawn { try writer.writeAll("more") }
        #expect(!waiting.hasEnded)
        var buffer = [UInt8](repeating: 0, count: capacity)
        #expect(try reader.read(into: &buffer) == capacity)
        #expect(
          (0..<16).allSatisfy { page in
            buffer[page * 4096..<(page + 1) * 4096] == Pattern.bytes(at: page * 4096, count: 4096)
          })
        try waiting.value()
        #expect(try reader.readText() == "more")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `write takes what there is room for, writeAll everything`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let bytes = Array(Pattern.bytes(at: 0, count: 100_000))
        #expect(try writer.write(bytes) == 65_536)
        let rest = spawn { try writer.writeAll(bytes[65_536...]) }
        var read: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 10_000)
        while read.count < bytes.count {
          let count = try reader.read(into: &buffer)
          read += buffer[..<count]
        }
        try rest.value()
        #expect(read == bytes)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `writes of 4 KiB by two writers are not mixed`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let writers = [UInt8(1), 2].map { mark in
          spawn {
            let block = [UInt8](repeating: mark, count: 4096)
            for _ in 0..<50 { try writer.writeAll(block) }
          }
        }
        var counts = [0, 0, 0]
        var block = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<100 {
          #expect(try reader.read(into: &block) == 4096)
          let mark = block[0]
          #expect(block == [UInt8](repeating: mark, count: 4096))
          counts[Int(mark)] += 1
        }
        for writer in writers { try writer.value() }
        #expect(counts == [0, 50, 50])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `readers of one pipe are served in order`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        var log: [Int] = []
        for number in 0..<4 {
          _ = spawn {
            _ = try reader.readText()
            log.append(number)
          }
        }
        for number in 0..<4 {
          try writer.writeAll("x")
          try eventually { log.count > number }
        }
        #expect(log == [0, 1, 2, 3])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `4 MiB come through unharmed`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let size = 4 << 20
        let writing = spawn {
          for offset in stride(from: 0, to: size, by: 32_768) {
            try writer.writeAll(Pattern.bytes(at: offset, count: 32_768))
          }
          try writer.close()
        }
        var buffer = [UInt8](repeating: 0, count: 50_000)
        var received = 0
        while case let count = try reader.read(into: &buffer), count > 0 {
          try #require(Pattern.matches(buffer, count, at: received))
          received += count
        }
        #expect(received == size)
        try writing.value()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the wrong end is an error`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        #expect(try failure { try reader.writeAll("x") }.isSystem(EBADF))
        #expect(try failure { _ = try writer.readText() }.isSystem(EBADF))
      }
    }
  }
}
