import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Several buffers with one call.
  @Suite struct Vectored {
    private func zeros(_ counts: Int...) -> [[UInt8]] {
      counts.map { [UInt8](repeating: 0, count: $0) }
    }

    private func text(_ buffers: [[UInt8]]) -> [String] {
      buffers.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `several buffers are sent as one`(on backend: BackendUnderTest) throws {
      try backend.run {
        let buffers = ["ab", "", "cde", "f"].map { Array($0.utf8) }
        try Transport.forEachPair { transport, client, server in
          let count = try client.send(vectored: buffers)
          #expect(count == 6, "\(transport)")
          #expect(try server.receiveExactly(6) == Array("abcdef".utf8), "\(transport)")
        }
        for kind in [Socket.Kind.datagram, .seqpacket] {
          let (left, right) = try Socket.pair(kind)
          #expect(try left.send(vectored: buffers) == 6)
          try left.sendAll(vectored: buffers)
          #expect(try right.receiveText() == "abcdef")
          #expect(try right.receiveText() == "abcdef")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what is received fills one buffer after the other`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          try client.sendAll("abcdef")
          var buffers = zeros(2, 0, 3, 1)
          #expect(try server.receive(vectored: &buffers, flags: .waitAll) == 6)
          #expect(text(buffers) == ["ab", "", "cde", "f"], "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a vectored receive waits, times out and sees the end`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let receiver = spawn { () throws -> [String] in
          var buffers = self.zeros(1, 9)
          let count = try right.receive(vectored: &buffers)
          return self.text(buffers) + ["\(count)"]
        }
        #expect(!receiver.hasEnded)
        try left.sendAll("late")
        #expect(try receiver.value() == ["l", "ate\0\0\0\0\0\0", "4"])
        var buffers = zeros(3, 3)
        let error = try failure {
          _ = try right.receive(vectored: &buffers, timeout: .milliseconds(1))
        }
        #expect(error.code == .timeout && error.call == "receive")
        try left.close()
        #expect(try right.receive(vectored: &buffers) == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a packet is spread over buffers, and flagged when they are too small`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair(.seqpacket)
        for _ in 0..<2 { try left.sendMessage("abcdef") }
        var buffers = zeros(2, 2)
        let cut = try right.receiveMessage(vectored: &buffers)
        #expect(cut.count == 4 && cut.isTruncated && text(buffers) == ["ab", "cd"])
        buffers = zeros(2, 5)
        let whole = try right.receiveMessage(vectored: &buffers)
        #expect(whole.count == 6 && !whole.isTruncated && text(buffers) == ["ab", "cdef\0"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `sendAll sends 5,000 buffers through a full socket`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          for socket in [client, server] {
            try socket.setOption(.sendBufferSize, 16_384)
            try socket.setOption(.receiveBufferSize, 16_384)
          }
          var offset = 0
          let buffers = (0..<5_000).map { number in
            let bytes = Pattern.bytes(at: offset, count: number % 300)
            offset += bytes.count
            return Array(bytes)
          }
          let sender = spawn {
            try client.sendAll(vectored: buffers)
            try client.shutdown(.sending)
          }
          #expect(!sender.hasEnded, "\(transport)")
          #expect(try server.receivePattern() == offset, "\(transport)")
          try sender.value()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a stream takes the first 1,024 of many buffers`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let many = Array(repeating: [UInt8](repeating: 7, count: 1), count: 2_000)
        #expect(try left.send(vectored: many) == 1_024)
        try left.sendAll(vectored: many)
        var buffers = Array(repeating: [UInt8](repeating: 0, count: 1), count: 1_500)
        #expect(try right.receive(vectored: &buffers) == 1_024)
        #expect(buffers[1_023] == [7] && buffers[1_024] == [0])
        #expect(try right.receive(vectored: &buffers, flags: .waitAll) == 1_500)
        #expect(buffers.allSatisfy { $0 == [7] })
        #expect(try right.receiveExactly(500).count == 500)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a packet of more than 1,024 buffers is refused`(on backend: BackendUnderTest) throws {
      try backend.run {
        for (left, right) in [
          try Socket.pair(.datagram), try Socket.pair(.seqpacket),
        ] {
          var many = Array(repeating: [UInt8](repeating: 7, count: 1), count: 1_025)
          for error in [
            try failure { _ = try left.send(vectored: many) },
            try failure { try left.sendAll(vectored: many) },
            try failure { try left.sendMessage(vectored: many) },
            try failure { _ = try right.receive(vectored: &many) },
            try failure { _ = try right.receiveMessage(vectored: &many) },
          ] {
            #expect(error.code == .invalidArgument && error.description.contains("1025"))
          }
          many.removeLast()
          try left.sendAll(vectored: many)
          #expect(try right.receive(vectored: &many) == 1_024)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `no buffers, and empty ones, are nothing`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let none: [[UInt8]] = []
        for buffers in [none, [[]], [[], []]] {
          #expect(try left.send(vectored: buffers) == 0)
          try left.sendAll(vectored: buffers)
        }
        try left.sendAll("x")
        var empty: [[UInt8]] = [[], [0], []]
        #expect(try right.receive(vectored: &empty) == 1)
        #expect(empty == [[], [UInt8(ascii: "x")], []])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a vectored sendAll that fails says how many bytes were sent`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let buffers = (0..<40).map { Array(Pattern.bytes(at: $0 * 50_000, count: 50_000)) }
        let error = try failure {
          try left.sendAll(vectored: buffers, timeout: .milliseconds(2))
        }
        #expect(error.code == .timeout && error.call == "sendAll")
        #expect(error.bytesTransferred > 0 && error.bytesTransferred < 2_000_000)
        try left.shutdown(.sending)
        #expect(try right.receivePattern() == error.bytesTransferred)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `buffers that are shared are not written through`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let one = [UInt8](repeating: 0, count: 3)
        var buffers = [one, one]
        try left.sendAll("abcdef")
        #expect(try right.receive(vectored: &buffers) == 6)
        #expect(text(buffers) == ["abc", "def"] && one == [0, 0, 0])
      }
    }
  }
}
