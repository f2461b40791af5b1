import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Packets in order on a connection: records that keep their bounds.
  @Suite struct Seqpackets {
    /// A connection that was made and accepted, as the pair is not.
    private func connection() throws -> (client: Socket, server: Socket) {
      let listener = try Coroutine.socket(.unix, .seqpacket)
      try listener.bind(to: .unix(abstract: uniqueName()))
      try listener.listen()
      let client = try Coroutine.socket(.unix, .seqpacket)
      try client.connect(to: listener.localAddress)
      return (client, try listener.accept())
    }

    @Test(arguments: BackendUnderTest.selected)
    func `records keep their bounds over a connection`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try connection()
        #expect(try server.option(.kind) == .seqpacket)
        for text in ["one", "", "three"] { try client.sendAll(text) }
        #expect(try server.receiveText() == "one")
        #expect(try server.receiveText() == "")
        #expect(try server.receiveText() == "three")
        try server.sendAll("back")
        #expect(try client.receiveText() == "back")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `each of several that wait gets one record`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try connection()
        var log: [String] = []
        for number in 0..<3 {
          _ = spawn { log.append("\(number) \(try server.receiveText())") }
        }
        for text in ["a", "b", "c"] { try client.sendAll(text) }
        try eventually { log.count == 3 }
        #expect(log == ["0 a", "1 b", "2 c"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a short buffer loses the record's end and not the next record`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try connection()
        for text in ["abcdef", "next"] { try client.sendAll(text) }
        var buffer = [UInt8](repeating: 0, count: 3)
        let message = try server.receiveMessage(into: &buffer)
        #expect(message.isTruncated && message.count == 3 && buffer == Array("abc".utf8))
        #expect(try server.receiveText() == "next")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end comes after the last record, again and again`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try connection()
        try client.sendAll("last")
        try client.close()
        #expect(try server.receiveText() == "last")
        for _ in 0..<2 { #expect(try server.receiveText() == "") }
        #expect(try failure { try server.sendAll("x") }.isSystem(EPIPE))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `after half a close the other half goes on`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try connection()
        let waiter = spawn { try server.receiveText() }
        try client.shutdown(.sending)
        #expect(try waiter.value() == "")
        #expect(try failure { try client.sendAll("x") }.isSystem(EPIPE))
        try server.sendAll("still")
        #expect(try client.receiveText() == "still")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a record that is too long is an error, and the connection goes on`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try connection()
        try client.setOption(.sendBufferSize, 20_000)
        let long = [UInt8](repeating: 1, count: 100_000)
        #expect(try failure { try client.sendAll(long) }.isSystem(EMSGSIZE))
        try client.sendAll("short")
        #expect(try server.receiveText() == "short")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a sender waits for room and keeps its records whole`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try connection()
        let sender = spawn {
          for number in 0..<1_000 {
            try client.sendAll([UInt8](repeating: UInt8(number % 256), count: 1 + number))
          }
          try client.close()
        }
        #expect(!sender.hasEnded)
        var buffer = [UInt8](repeating: 0, count: 1_000)
        var faults = 0
        for number in 0..<1_000 {
          let count = try server.receive(into: &buffer)
          if count != 1 + number || buffer[0] != UInt8(number % 256) { faults += 1 }
        }
        #expect(faults == 0)
        try sender.value()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a stream can't connect to a listener for packets`(on backend: BackendUnderTest) throws {
      try backend.run {
        let listener = try Coroutine.socket(.unix, .seqpacket)
        try listener.bind(to: .unix(abstract: uniqueName()))
        try listener.listen()
        let client = try Coroutine.socket(.unix, .stream)
        let error = try failure { try client.connect(to: listener.localAddress) }
        // By a path it would be EPROTOTYPE.
        #expect(error.isSystem(ECONNREFUSED))
      }
    }
  }
}
