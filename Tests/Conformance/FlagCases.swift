import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Flags of receiving and sending: nothing is lost with any of them.
  @Suite struct Flags {
    private func receive(
      _ socket: Socket, _ count: Int, _ flags: Socket.ReceiveFlags, timeout: Duration? = nil
    ) throws -> String {
      var buffer = [UInt8](repeating: 0, count: count)
      let received = try socket.receive(into: &buffer, flags: flags, timeout: timeout)
      return String(decoding: buffer[..<min(received, count)], as: UTF8.self)
    }

    // MARK: Peek

    @Test(arguments: BackendUnderTest.selected)
    func `what is peeked at stays`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let peeker = spawn { try receive(server, 3, .peek) }
          #expect(!peeker.hasEnded)
          try client.sendAll("abcdef")
          #expect(try peeker.value() == "abc", "\(transport)")
          for _ in 0..<3 { #expect(try receive(server, 4, .peek) == "abcd", "\(transport)") }
          #expect(try receive(server, 64, .peek, timeout: .zero) == "abcdef")
          #expect(try server.receiveExactly(6) == Array("abcdef".utf8), "\(transport)")
          #expect(
            try failure { _ = try receive(server, 1, .peek, timeout: .zero) }.code == .timeout)
          try client.close()
          for _ in 0..<2 { #expect(try receive(server, 1, .peek) == "") }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who waits behind one that peeks gets the same bytes`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let peeker = spawn { try receive(server, 3, .peek) }
          let receiver = spawn { try receive(server, 3, []) }
          let next = spawn { try receive(server, 3, .peek) }
          try client.sendAll("abc")
          #expect(try peeker.value() == "abc" && receiver.value() == "abc", "\(transport)")
          #expect(!next.hasEnded)
          try client.sendAll("def")
          #expect(try next.value() == "def", "\(transport)")
          #expect(try server.receiveText() == "def", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram that is peeked at stays whole, with its sender`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        try left.send("abcdef", to: right.localAddress)
        var buffer = [UInt8](repeating: 0, count: 3)
        let (count, sender) = try right.receiveFrom(into: &buffer, flags: .peek)
        #expect(try count == 3 && sender == left.localAddress)
        #expect(try right.receiveText() == "abcdef")
      }
    }

    // MARK: The real length

    @Test(arguments: BackendUnderTest.selected)
    func `the real length tells that a packet was cut`(on backend: BackendUnderTest) throws {
      try backend.run {
        let inet = (try inetDatagramSocket(), try inetDatagramSocket())
        try inet.0.connect(to: inet.1.localAddress)
        for (left, right) in [inet, try Socket.pair(.datagram), try Socket.pair(.seqpacket)] {
          for _ in 0..<2 { try left.sendAll("abcdef") }
          var nothing: [UInt8] = []
          #expect(try right.receive(into: &nothing, flags: [.peek, .realLength]) == 6)
          var buffer = [UInt8](repeating: 0, count: 3)
          #expect(try right.receive(into: &buffer, flags: .realLength) == 6)
          #expect(buffer == Array("abc".utf8))
          #expect(try right.receiveFrom(into: &buffer, flags: .realLength).count == 6)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the real length throws no byte of a stream away`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          try client.sendAll("abcdef")
          #expect(try receive(server, 3, .realLength) == "abc", "\(transport)")
          #expect(try server.receiveExactly(3) == Array("def".utf8), "\(transport)")
        }
      }
    }

    // MARK: Waiting for all

    @Test(arguments: BackendUnderTest.selected)
    func `waitAll waits until the buffer is full`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let receiver = spawn { try receive(server, 6, .waitAll) }
          for piece in ["a", "bc", "de"] {
            try client.sendAll(piece)
            try settle()
            #expect(!receiver.hasEnded, "\(transport)")
          }
          try client.sendAll("fgh")
          #expect(try receiver.value() == "abcdef", "\(transport)")
          #expect(try server.receiveText() == "gh", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `peeking waits for all too, into several buffers and for messages`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let vectored = spawn {
            var buffers: [[UInt8]] = [[0, 0], [0, 0]]
            let count = try server.receive(vectored: &buffers, flags: [.peek, .waitAll])
            return (count, buffers)
          }
          try client.sendAll("ab")
          try settle()
          #expect(!vectored.hasEnded, "\(transport)")
          try client.sendAll("cd")
          #expect(try vectored.value() == (4, [Array("ab".utf8), Array("cd".utf8)]))
          let message = spawn {
            var bytes = [UInt8](repeating: 0, count: 8)
            return try server.receiveMessage(into: &bytes, flags: [.peek, .waitAll]).count
          }
          try settle()
          #expect(!message.hasEnded, "\(transport)")
          try client.shutdown(.sending)
          #expect(try message.value() == 4, "\(transport)")
          var bytes = [UInt8](repeating: 0, count: 8)
          let rest = try server.receiveMessage(
            into: &bytes, flags: [.peek, .waitAll], timeout: .milliseconds(1))
          #expect(rest.count == 4)
          #expect(try server.receiveText() == "abcd")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `waitAll returns what came before the end`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let receiver = spawn { try receive(server, 6, .waitAll) }
          try client.sendAll("abc")
          try client.shutdown(.sending)
          #expect(try receiver.value() == "abc", "\(transport)")
          #expect(try receive(server, 6, .waitAll) == "", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `waitAll loses nothing when its time is up half way`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          #expect(
            try failure { _ = try receive(server, 6, .waitAll, timeout: .milliseconds(1)) }.code
              == .timeout)
          try client.sendAll("abc")
          for timeout in [Duration.zero, .milliseconds(2)] {
            let text = try receive(server, 6, .waitAll, timeout: timeout)
            #expect(text == (timeout == .zero ? "abc" : "de"), "\(transport)")
            try client.sendAll("de")
          }
          #expect(try receive(server, 2, .waitAll) == "de", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `waitAll returns what came before the socket was closed`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let receiver = spawn { try receive(server, 6, .waitAll) }
          try client.sendAll("abc")
          try settle()
          try server.close()
          #expect(try receiver.value() == "abc", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `waitAll returns what was delivered before the socket was closed`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let receiver = spawn { try receive(server, 6, .waitAll) }
          try settle()
          var closer: Spawned<Void>?
          try betweenDeliveryAndResumption({ _ = try client.send("abc", timeout: .zero) }) {
            closer = spawn { try server.close() }
          }
          #expect(try receiver.value() == "abc", "\(transport)")
          try closer?.value()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `waitAll that fails half way says how much is in the buffer`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        var buffer = [UInt8](repeating: 0, count: 6)
        let receiver = spawn { try server.receive(into: &buffer, flags: .waitAll) }
        try client.sendAll("abc")
        try settle()
        try client.setOption(.linger, .zero)
        try client.close()
        let error = try receiver.error()
        #expect(error.isSystem(ECONNRESET) && error.bytesTransferred == 3)
        #expect(error.detail == "3 of 6 bytes were received")
        #expect(buffer[..<3] == ArraySlice("abc".utf8))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `waitAll takes one packet and not several`(on backend: BackendUnderTest) throws {
      try backend.run {
        for kind in [Socket.Kind.datagram, .seqpacket] {
          let (left, right) = try Socket.pair(kind)
          try left.sendAll("abc")
          try left.sendAll("def")
          #expect(try receive(right, 6, .waitAll) == "abc")
          #expect(try receive(right, 6, .waitAll) == "def")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `peek and waitAll together wait for all and take nothing`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let peeker = spawn { try receive(server, 4, [.peek, .waitAll]) }
          try client.sendAll("ab")
          try Coroutine.sleep(for: .milliseconds(1))
          #expect(!peeker.hasEnded, "\(transport)")
          #expect(try receive(server, 4, [.peek, .waitAll], timeout: .milliseconds(1)) == "ab")
          try client.sendAll("cdef")
          #expect(try peeker.value() == "abcd", "\(transport)")
          #expect(try server.receiveExactly(6) == Array("abcdef".utf8), "\(transport)")
          try client.sendAll("gh")
          try client.close()
          #expect(try receive(server, 4, [.peek, .waitAll]) == "gh", "\(transport)")
        }
      }
    }

    // MARK: Sending

    @Test(arguments: BackendUnderTest.selected)
    func `more to come is sent with what comes`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        try client.sendAll("ab", flags: .more)
        #expect(try failure { _ = try server.receiveText(timeout: .zero) }.code == .timeout)
        try client.sendAll("cd")
        #expect(try receive(server, 4, .waitAll) == "abcd")
        // Datagrams are gathered into one.
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let address = try right.localAddress
        try left.send("ab", to: address, flags: .more)
        try left.send("cd", to: address, flags: .dontRoute)
        #expect(try right.receiveText() == "abcd")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the kernel's flag for not waiting is the timeout's business`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let dontWait = Socket.ReceiveFlags(rawValue: CInt(MSG_DONTWAIT))
        let receiver = spawn { try receive(right, 4, dontWait) }
        #expect(!receiver.hasEnded)
        try left.sendAll("x", flags: Socket.SendFlags(rawValue: CInt(MSG_DONTWAIT)))
        #expect(try receiver.value() == "x")
      }
    }

    // MARK: The error queue

    @Test(arguments: BackendUnderTest.selected)
    func `the error queue tells which datagram found nobody`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let address = try right.localAddress
        try left.setOption(.receiveErrors, true)
        var buffer = [UInt8](repeating: 0, count: 64)
        let none = try failure {
          _ = try left.receiveMessage(into: &buffer, flags: .errorQueue, timeout: .zero)
        }
        #expect(none.code == .timeout)
        try right.close()
        try left.send("anybody?", to: address)
        let message = try left.receiveMessage(into: &buffer, flags: .errorQueue)
        #expect(message.flags.contains(.errorQueue))
        #expect(buffer[..<message.count] == ArraySlice("anybody?".utf8))
        #expect(message.sender == address)
        // IP_RECVERR: struct sock_extended_err begins with the errno value.
        let report = try #require(message.control.first { $0.level == 0 && $0.type == 11 })
        #expect(report.bytes.first == UInt8(ECONNREFUSED))
      }
    }
  }
}
