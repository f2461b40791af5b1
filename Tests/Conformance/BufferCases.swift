import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Every kind of buffer, under one name.
  @Suite struct Buffers {
    private static let text = "buffer"
    private static let bytes = Array("buffer".utf8)

    /// A slice of "buffer" that does not begin at 0.
    private var slice: ArraySlice<UInt8> { Array("a buffer!".utf8)[2..<8] }
    private var inline: InlineArray<6, UInt8> { [98, 117, 102, 102, 101, 114] }

    /// Calls each of `senders` and checks that it sent "buffer".
    private func check(
      _ receiver: Socket, _ senders: [() throws -> Int],
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      for (number, sender) in senders.enumerated() {
        let count = try sender()
        let text = try receiver.receiveText()
        #expect(count == 6 && text == Self.text, "number \(number)", sourceLocation: sourceLocation)
      }
    }

    // MARK: Out

    @Test(arguments: BackendUnderTest.selected)
    func `send takes every kind of buffer`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        try check(
          right,
          [
            { try left.send(Self.bytes) }, { try left.send(slice) }, { try left.send(inline) },
            { try left.send(Self.text) }, { try left.send("a buffer!".dropFirst(2).prefix(6)) },
            { try left.send(Self.bytes.span.bytes) }, { try left.send(Self.text.utf8) },
            { try Self.bytes.withUnsafeBytes { try left.send($0) } },
            { try left.send(repeatElement(98, count: 1) + Self.bytes[1...]) },
          ])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `sendAll takes every kind of buffer`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        func six(_ body: @autoclosure () throws -> Void) rethrows -> Int {
          try body()
          return 6
        }
        try check(
          right,
          [
            { try six(try left.sendAll(Self.bytes)) }, { try six(try left.sendAll(slice)) },
            { try six(try left.sendAll(inline)) }, { try six(try left.sendAll(Self.text)) },
            { try six(try left.sendAll("a buffer!".dropFirst(2).prefix(6))) },
            { try six(try left.sendAll(Self.bytes.span.bytes)) },
            { try six(try left.sendAll(Self.text.utf8)) },
            { try six(try Self.bytes.withUnsafeBytes { try left.sendAll($0) }) },
          ])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `send to an address takes every kind of buffer`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let to = try right.localAddress
        try check(
          right,
          [
            { try left.send(Self.bytes, to: to) }, { try left.send(slice, to: to) },
            { try left.send(inline, to: to) }, { try left.send(Self.text, to: to) },
            { try left.send("a buffer!".dropFirst(2).prefix(6), to: to) },
            { try left.send(Self.bytes.span.bytes, to: to) },
            { try left.send(Self.text.utf8, to: to) },
            { try Self.bytes.withUnsafeBytes { try left.send($0, to: to) } },
          ])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `write takes every kind of buffer`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let writes: [() throws -> Int] = [
          { try writer.write(Self.bytes) }, { try writer.write(slice) },
          { try writer.write(inline) }, { try writer.write(Self.text) },
          { try writer.write("a buffer!".dropFirst(2).prefix(6)) },
          { try writer.write(Self.bytes.span.bytes) }, { try writer.write(Self.text.utf8) },
          { try Self.bytes.withUnsafeBytes { try writer.write($0) } },
        ]
        for write in writes {
          #expect(try write() == 6)
          #expect(try reader.readText() == Self.text)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `writeAll takes every kind of buffer`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let writes: [() throws -> Void] = [
          { try writer.writeAll(Self.bytes) }, { try writer.writeAll(slice) },
          { try writer.writeAll(inline) }, { try writer.writeAll(Self.text) },
          { try writer.writeAll("a buffer!".dropFirst(2).prefix(6)) },
          { try writer.writeAll(Self.bytes.span.bytes) }, { try writer.writeAll(Self.text.utf8) },
          { try Self.bytes.withUnsafeBytes { try writer.writeAll($0) } },
        ]
        for write in writes {
          try write()
          #expect(try reader.readText() == Self.text)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `text is sent in UTF-8`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        #expect(try left.send("é€") == 5)
        #expect(try right.receiveExactly(5) == [0xC3, 0xA9, 0xE2, 0x82, 0xAC])
      }
    }

    // MARK: In

    @Test(arguments: BackendUnderTest.selected)
    func `an array keeps its length and what was not received into`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        try left.sendAll("ab")
        var buffer = [UInt8](repeating: 7, count: 4)
        #expect(try right.receive(into: &buffer) == 2)
        #expect(buffer == [97, 98, 7, 7])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a slice is received into where it lies`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        try left.sendAll("abcd")
        var buffer = [UInt8](repeating: 7, count: 6)
        #expect(try right.receive(into: &buffer[2..<5]) == 3)
        #expect(buffer == [7, 7, 97, 98, 99, 7])
        var slice = buffer[3...]
        #expect(try right.receive(into: &slice) == 1)
        #expect(slice.startIndex == 3 && slice.elementsEqual([100, 99, 7]))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `receive fills inline arrays, spans and raw memory`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        try left.sendAll("abcdef")
        var inline: InlineArray<2, UInt8> = [0, 0]
        #expect(try right.receive(into: &inline) == 2)
        #expect(inline[0] == 97 && inline[1] == 98)
        var array: [UInt8] = [0, 0]
        var mutable = array.mutableSpan
        var span = mutable.mutableBytes
        let count = try right.receive(into: &span)
        #expect(count == 2)
        #expect(array == [99, 100])
        let raw = try array.withUnsafeMutableBytes { try right.receive(into: $0) }
        #expect(raw == 2 && array == [101, 102])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `receiveFrom fills every kind of buffer`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let (to, from) = (try right.localAddress, try left.localAddress)
        for number in UInt8(0)..<5 { try left.send([number, number], to: to) }
        var array: [UInt8] = [9, 9, 9]
        var result = try right.receiveFrom(into: &array)
        #expect(result == (2, from) && array == [0, 0, 9])
        result = try right.receiveFrom(into: &array[1...])
        #expect(result == (2, from) && array == [0, 1, 1])
        var inline: InlineArray<3, UInt8> = [9, 9, 9]
        result = try right.receiveFrom(into: &inline)
        #expect(result == (2, from) && inline[1] == 2 && inline[2] == 9)
        var mutable = array.mutableSpan
        var span = mutable.mutableBytes
        result = try right.receiveFrom(into: &span)
        #expect(result == (2, from) && array == [3, 3, 1])
        result = try array.withUnsafeMutableBytes { try right.receiveFrom(into: $0) }
        #expect(result == (2, from) && array == [4, 4, 1])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `read fills every kind of buffer`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        try writer.writeAll("abcdefghij")
        var array: [UInt8] = [0, 0]
        #expect(try reader.read(into: &array) == 2)
        #expect(array == Array("ab".utf8))
        #expect(try reader.read(into: &array[1...]) == 1)
        #expect(array == Array("ac".utf8))
        var inline: InlineArray<2, UInt8> = [0, 0]
        #expect(try reader.read(into: &inline) == 2)
        #expect(inline[0] == 100 && inline[1] == 101)
        var mutable = array.mutableSpan
        var span = mutable.mutableBytes
        let count = try reader.read(into: &span)
        #expect(count == 2)
        #expect(array == Array("fg".utf8))
        let raw = try array.withUnsafeMutableBytes { try reader.read(into: $0) }
        #expect(raw == 2 && array == Array("hi".utf8))
      }
    }

    // MARK: Edges

    @Test(arguments: BackendUnderTest.selected)
    func `an empty buffer sends nothing and does not wait`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          #expect(try client.send([]) == 0, "\(transport)")
          try client.sendAll("")
          try client.sendAll([UInt8]()[...])
          try client.sendAll("x")
          #expect(try server.receiveText() == "x", "\(transport)")
        }
        let (reader, writer) = try Coroutine.pipe()
        #expect(try writer.write([]) == 0)
        try writer.writeAll("")
        try writer.writeAll("x")
        #expect(try reader.readText() == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an empty buffer receives nothing and takes nothing away`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var empty: [UInt8] = []
        try Transport.forEachPair { transport, client, server in
          try client.sendAll("x")
          #expect(try server.receive(into: &empty) == 0, "\(transport)")
          #expect(try server.receiveText() == "x", "\(transport)")
        }
        let (reader, writer) = try Coroutine.pipe()
        try writer.writeAll("x")
        #expect(try reader.read(into: &empty) == 0)
        #expect(try reader.readText() == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the documented loop echoes until the end`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        let echo = spawn {
          var buffer = [UInt8](repeating: 0, count: 1_000)
          while case let n = try server.receive(into: &buffer), n > 0 {
            try server.sendAll(buffer[..<n])
          }
          try server.close()
        }
        let sender = spawn { try client.sendPattern(200_000) }
        #expect(try client.receivePattern(buffer: 777) == 200_000)
        try sender.value()
        try echo.value()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a buffer on the waiting coroutine's own stack is filled`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        // Packets, so that each gets one.
        let (left, right) = try Coroutine.socketPair(.seqpacket)
        let sums = (0..<20).map { _ in
          spawn {
            var buffer = InlineArray<64, UInt8>(repeating: 0)
            let count = try right.receive(into: &buffer)
            return (0..<count).reduce(0) { $0 + Int(buffer[$1]) }
          }
        }
        for _ in sums { try left.sendAll([1, 2, 3]) }
        #expect(try sums.reduce(0) { try $0 + $1.value() } == 120)
      }
    }
  }
}
