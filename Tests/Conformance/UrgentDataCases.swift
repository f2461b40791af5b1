import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Urgent data: one byte that overtakes the others.
  @Suite struct UrgentData {
    private func receiveUrgent(_ socket: Socket, timeout: Duration? = nil) throws -> String {
      var byte = [UInt8](repeating: 0, count: 1)
      let count = try socket.receive(into: &byte, flags: .outOfBand, timeout: timeout)
      return String(decoding: byte[..<count], as: UTF8.self)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `urgent data are received apart from the others`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        try client.sendAll("ab")
        #expect(try client.send("cd!", flags: .outOfBand) == 3)
        try client.sendAll("ef")
        #expect(try receiveUrgent(server) == "!")
        var text = ""
        while text.utf8.count < 6 { text += try server.receiveText(timeout: .seconds(10)) }
        #expect(text == "abcdef")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who is not connected gets no urgent data`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        #expect(try failure { _ = try receiveUrgent(socket) }.isSystem(ENOTCONN))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `urgent data are waited for`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        let urgent = spawn { try receiveUrgent(server) }
        try settle()
        #expect(!urgent.hasEnded)
        try client.sendAll("!", flags: .outOfBand)
        #expect(try urgent.value() == "!")
        try client.sendAll("data")
        #expect(try server.receiveText() == "data")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who waits for urgent data does not disturb who receives`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        let urgent = spawn { try receiveUrgent(server) }
        for number in 0..<20 {
          try client.sendAll("\(number % 10)")
          #expect(try server.receiveText(timeout: .seconds(10)) == "\(number % 10)")
        }
        #expect(!urgent.hasEnded)
        try client.sendAll("!", flags: .outOfBand)
        #expect(try urgent.value() == "!")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `waiting for urgent data times out, and hears of the end and the close`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        for timeout in [Duration.zero, .milliseconds(2)] {
          let error = try failure { _ = try receiveUrgent(server, timeout: timeout) }
          #expect(error.code == .timeout && error.call == "receive")
        }
        let other = spawn { try receiveUrgent(client) }
        try client.close()
        #expect(try other.error().code == .closed)
        #expect(try receiveUrgent(server, timeout: .seconds(10)) == "")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `urgent data before the end are received`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        try client.sendAll("!", flags: .outOfBand)
        try client.close()
        #expect(try receiveUrgent(server) == "!")
        #expect(try server.receiveText() == "")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `urgent data among the others are found at their mark`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        try server.setOption(.outOfBandInline, true)
        try client.sendAll("ab")
        try client.sendAll("!", flags: .outOfBand)
        try client.sendAll("cd")
        #expect(try failure { _ = try receiveUrgent(server) }.isSystem(EINVAL))
        var text = ""
        while try !server.isAtMark {
          text += String(decoding: try server.receiveExactly(1), as: UTF8.self)
        }
        #expect(text == "ab")
        #expect(try server.receiveExactly(3) == Array("!cd".utf8))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram socket has no urgent data`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair(.datagram)
        let received = try failure { _ = try receiveUrgent(right) }
        #expect(received.isSystem(EOPNOTSUPP))
        let sent = try failure { try left.sendAll("!", flags: .outOfBand) }
        #expect(sent.isSystem(EOPNOTSUPP))
      }
    }
  }
}
