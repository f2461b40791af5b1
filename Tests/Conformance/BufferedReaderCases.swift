import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `BufferedReader`: lines, delimiters, lengths, chunks; and what a failure leaves.
  @Suite struct BufferedReading {
    /// A socket and a pipe, each with somebody who writes the pieces and then ends the stream.
    private func forEachReader(
      of pieces: [String], capacity: Int = 16_384, isEnded: Bool = true,
      _ body: (any Reading) throws -> Void
    ) throws {
      let (left, right) = try Socket.pair()
      let (reader, writer) = try Coroutine.pipe()
      let toSocket = spawn {
        for piece in pieces {
          try left.sendAll(piece)
          try Coroutine.sleep(for: .zero)
        }
        if isEnded { try left.close() }
      }
      try body(BufferedReader(right, capacity: capacity))
      try toSocket.value()
      let toPipe = spawn {
        for piece in pieces {
          try writer.writeAll(piece)
          try Coroutine.sleep(for: .zero)
        }
        if isEnded { try writer.close() }
      }
      try body(BufferedReader(reader, capacity: capacity))
      try toPipe.value()
      withExtendedLifetime((left, writer)) {}
    }

    @Test(arguments: BackendUnderTest.selected)
    func `lines are read, whatever pieces they come in`(on backend: BackendUnderTest) throws {
      try backend.run {
        let pieces = ["one\ntw", "o\r", "\n\n", "thr", "ee\r\r\n", "last"]
        for capacity in [1, 2, 3, 16_384] {
          try forEachReader(of: pieces, capacity: capacity) { reader in
            var lines: [String] = []
            while let line = try reader.readLine(lengthMax: 100, timeout: nil) {
              lines.append(line)
            }
            #expect(lines == ["one", "two", "", "three\r", "last"], "\(capacity)")
            #expect(try reader.readLine(lengthMax: 100, timeout: nil) == nil)
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a line that is too long is an error and stays`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let reader = BufferedReader(right, capacity: 4)
        try left.sendAll("abcdef\r\n123456\nx")
        for _ in 0..<2 {
          let error = try failure { _ = try reader.readLine(lengthMax: 5) }
          #expect(error.code == .limitExceeded && error.call == "readLine")
        }
        #expect(try reader.readLine(lengthMax: 6) == "abcdef")
        #expect(try reader.readLine(lengthMax: 6) == "123456")
        // One byte more than allowed is enough to know; the rest need not come.
        try left.sendAll("yz")
        #expect(try failure { _ = try reader.readLine(lengthMax: 2) }.code == .limitExceeded)
        #expect(try reader.readChunk() == Array("xyz".utf8))
        try left.sendAll("abc")
        try left.close()
        #expect(try failure { _ = try reader.readLine(lengthMax: 2) }.code == .limitExceeded)
        #expect(try reader.readLine(lengthMax: 3) == "abc")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a line that is no UTF-8 is repaired`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        try left.sendAll([0x61, 0xff, 0x62, 0x0a, 0xc3, 0xa4, 0x0a])
        let reader = BufferedReader(right)
        #expect(try reader.readLine() == "a\u{fffd}b")
        #expect(try reader.readLine() == "ä")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a delimiter is found across the edges of what comes`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let pieces = ["a--", "-b-", "-", "-", "c--b---", "---tail"]
        for capacity in [1, 2, 5, 16_384] {
          try forEachReader(of: pieces, capacity: capacity) { reader in
            var parts: [String] = []
            for _ in 0..<4 {
              let part = try reader.read(until: Array("---".utf8), lengthMax: 100, timeout: nil)
              parts.append(String(decoding: try #require(part), as: UTF8.self))
            }
            #expect(parts == ["a---", "b---", "c--b---", "---"], "\(capacity)")
            let error = try failure {
              _ = try reader.read(until: Array("---".utf8), lengthMax: 100, timeout: nil)
            }
            #expect(error.code == .endOfStream && error.description.contains("after 4 bytes"))
            #expect(try reader.readToEnd(lengthMax: .max, timeout: nil) == Array("tail".utf8))
            #expect(try reader.read(until: [45], lengthMax: 100, timeout: nil) == nil)
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the limit of a delimited read counts the delimiter`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let reader = BufferedReader(right)
        try left.sendAll("abc;;def")
        let delimiter = Array(";;".utf8)
        for limit in [4, 0, -1] {
          let error = try failure { _ = try reader.read(until: delimiter, lengthMax: limit) }
          #expect(error.code == .limitExceeded)
        }
        #expect(try reader.read(until: delimiter, lengthMax: 5) == Array("abc;;".utf8))
        #expect(try failure { _ = try reader.read(until: []) }.code == .invalidArgument)
        #expect(try reader.read(until: UInt8(ascii: "e")) == Array("de".utf8))
        #expect(reader.bufferedCount == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a number of bytes is read whole, or not at all`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachReader(of: ["ab", "cdefg", "h"], capacity: 3) { reader in
          #expect(try reader.readExactly(5, timeout: nil) == Array("abcde".utf8))
          #expect(try reader.readExactly(0, timeout: nil) == [])
          // What was announced and never comes takes no memory.
          let announced = try failure { _ = try reader.readExactly(.max, timeout: nil) }
          #expect(announced.code == .endOfStream)
          let error = try failure { _ = try reader.readExactly(4, timeout: nil) }
          #expect(error.code == .endOfStream && error.description.contains("after 3 of them"))
          #expect(try reader.readExactly(3, timeout: nil) == Array("fgh".utf8))
          #expect(try failure { _ = try reader.readExactly(1, timeout: nil) }.code == .endOfStream)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `chunks come as they come, and peeking takes nothing`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let reader = BufferedReader(right, capacity: 8)
        try left.sendAll("abcdef")
        #expect(try reader.peek() == Array("a".utf8))
        #expect(try reader.peek(3) == Array("abc".utf8))
        #expect(reader.bufferedCount == 6)
        #expect(try reader.readChunk(max: 2) == Array("ab".utf8))
        var two = [UInt8](repeating: 0, count: 2)
        #expect(try reader.read(into: &two) == 2 && two == Array("cd".utf8))
        var large = [UInt8](repeating: 0, count: 64)
        #expect(try reader.read(into: &large) == 2)
        try left.sendAll("past the buffer")
        #expect(try reader.read(into: &large) == 15 && reader.bufferedCount == 0)
        try left.sendAll("end")
        try left.close()
        #expect(try reader.peek(10) == Array("end".utf8))
        #expect(try reader.readChunk() == Array("end".utf8))
        #expect(try reader.readChunk() == [])
        #expect(try reader.read(into: &large) == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `everything is read up to the end, or the limit`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachReader(of: ["abc", "def"], capacity: 2) { reader in
          let error = try failure { _ = try reader.readToEnd(lengthMax: 5, timeout: nil) }
          #expect(error.code == .limitExceeded)
          #expect(try reader.readToEnd(lengthMax: 6, timeout: nil) == Array("abcdef".utf8))
          #expect(try reader.readToEnd(lengthMax: 0, timeout: nil) == [])
        }
        let (client, server) = try Transport.inet.pair()
        let sender = spawn { try client.sendPattern(1 << 20) }
        let bytes = try BufferedReader(server).readToEnd()
        try sender.value()
        #expect(bytes.count == 1 << 20)
        let isPattern = stride(from: 0, to: bytes.count, by: 65_536).allSatisfy {
          bytes[$0..<$0 + 65_536].elementsEqual(Pattern.bytes(at: $0, count: 65_536))
        }
        #expect(isPattern)
      }
    }

    // MARK: Failures

    @Test(arguments: BackendUnderTest.selected)
    func `a timeout half way loses nothing, in any call`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let reader = BufferedReader(right, capacity: 2)
        for (piece, count) in [("ab", 2), ("cd", 4)] {
          try left.sendAll(piece)
          for timeout in [Duration.milliseconds(1), .zero] {
            for error in [
              try failure { _ = try reader.readLine(timeout: timeout) },
              try failure { _ = try reader.read(until: [59], timeout: timeout) },
              try failure { _ = try reader.readExactly(5, timeout: timeout) },
              try failure { _ = try reader.readToEnd(timeout: timeout) },
              try failure { _ = try reader.peek(5, timeout: timeout) },
            ] {
              #expect(error.code == .timeout)
            }
            #expect(reader.bufferedCount == count)
          }
        }
        let waiter = spawn { try reader.readLine() }
        #expect(!waiter.hasEnded)
        try left.sendAll("e\nf")
        #expect(try waiter.value() == "abcde")
        #expect(try reader.readChunk() == Array("f".utf8))
        #expect(try failure { _ = try reader.readChunk(timeout: .zero) }.code == .timeout)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a cancellation half way loses nothing`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let reader = BufferedReader(right)
        var code: CoroutineError.Code?
        let target = Coroutine { code = errorCode { _ = try reader.readLine() } }
        target.start()
        try left.sendAll("half ")
        try settle()
        target.cancel()
        try target.join()
        #expect(code == .cancelled && reader.bufferedCount == 5)
        try left.sendAll("a line\n")
        #expect(try reader.readLine() == "half a line")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error of the stream leaves what had come`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        let reader = BufferedReader(server)
        let waiter = spawn { try reader.readLine() }
        try client.sendAll("half a line")
        try settle()
        try client.setOption(.linger, .zero)
        try client.close()
        #expect(try waiter.error().isSystem(ECONNRESET))
        #expect(reader.bufferedCount == 11)
        #expect(try reader.readExactly(11) == Array("half a line".utf8))
        try server.close()
        #expect(try failure { _ = try reader.readLine() }.code == .closed)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a second coroutine is kept out while one reads`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let reader = BufferedReader(right)
        let first = spawn { try reader.readLine() }
        for error in [
          try failure { _ = try reader.readLine() }, try failure { _ = try reader.readChunk() },
          try failure { _ = try reader.peek() },
        ] {
          #expect(error.code == .misuse)
        }
        try left.sendAll("for the first\n")
        #expect(try first.value() == "for the first")
        try left.sendAll("for the next\n")
        #expect(try reader.readLine() == "for the next")
      }
    }
  }
}

/// A reader of any stream, for cases that try several.
private protocol Reading {
  @available(*, noasync)
  func readLine(lengthMax: Int, timeout: Duration?) throws(CoroutineError) -> String?
  @available(*, noasync)
  func read(
    until delimiter: [UInt8], lengthMax: Int, timeout: Duration?
  ) throws(CoroutineError) -> [UInt8]?
  @available(*, noasync)
  func readExactly(_ count: Int, timeout: Duration?) throws(CoroutineError) -> [UInt8]
  @available(*, noasync)
  func readToEnd(lengthMax: Int, timeout: Duration?) throws(CoroutineError) -> [UInt8]
}

extension BufferedReader: Reading {}
