import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Streams under load: much data, both directions, several coroutines on one socket.
  @Suite struct StreamTransfers {
    @Test(arguments: BackendUnderTest.selected)
    func `who waits gets what he has room for, and the rest without more being sent`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let receiver = spawn {
            var parts: [Int] = []
            for size in [2, 1, 3, 2] {
              var buffer = [UInt8](repeating: 0, count: size)
              parts.append(try server.receive(into: &buffer, timeout: .seconds(5)))
            }
            return parts
          }
          try settle()
          try client.sendAll("abcdef")
          // The last one finds nothing any more until this is sent.
          try settle()
          try client.sendAll("gh")
          #expect(try receiver.value() == [2, 1, 3, 2], "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `urgent data does not hide what follows it`(on backend: BackendUnderTest) throws {
      try backend.run {
        let listener = try Coroutine.socket(.inet, .stream)
        try listener.bind(to: .inet("127.0.0.1", port: 0))
        try listener.listen()
        let client = try Coroutine.socket(.inet, .stream)
        try client.connect(to: listener.localAddress)
        let server = try listener.accept()
        // It has waited once: from here on the kernel tells of changes only.
        #expect(try failure { _ = try server.receiveText(timeout: .zero) }.code == .timeout)
        #expect(
          try failure { _ = try server.receiveText(timeout: .milliseconds(1)) }.code == .timeout)
        let descriptor = client.fileDescriptor.rawValue
        #expect(Glibc.send(descriptor, "ab", 2, 0) == 2)
        #expect(Glibc.send(descriptor, "c", 1, CInt(MSG_OOB)) == 1)
        #expect(Glibc.send(descriptor, "de", 2, 0) == 2)
        var text = ""
        while text.utf8.count < 4 { text += try server.receiveText(timeout: .seconds(10)) }
        #expect(text == "abde")
      }
    }

    @Test(arguments: BackendUnderTest.selected, Transport.allCases)
    func `8 MiB flow both ways at once through small buffers`(
      on backend: BackendUnderTest, transport: Transport
    ) throws {
      try backend.run {
        let (client, server) = try transport.pair()
        let size = 8 << 20
        for socket in [client, server] {
          try socket.setOption(.sendBufferSize, 16_384)
          try socket.setOption(.receiveBufferSize, 16_384)
        }
        let senders = [client, server].map { socket in spawn { try socket.sendPattern(size) } }
        let receivers = [client, server].map { socket in spawn { try socket.receivePattern() } }
        // Far more than the buffers hold: everybody has to wait.
        #expect(senders.allSatisfy { !$0.hasEnded })
        for receiver in receivers { #expect(try receiver.value() == size) }
        for sender in senders { try sender.value() }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one coroutine reads while another writes the same socket`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let reader = spawn { try client.receiveText() }
          _ = try client.fill()
          let writer = spawn { try client.sendAll("more") }
          #expect(!reader.hasEnded && !writer.hasEnded)
          try server.sendAll("to the reader")
          #expect(try reader.value() == "to the reader", "\(transport)")
          #expect(!writer.hasEnded)
          let drain = spawn { try server.receivePattern() }
          try writer.value()
          try client.shutdown(.sending)
          // The four last bytes are not the pattern's.
          #expect(try drain.value() == -1, "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `2,000 rounds of ping and pong keep their order`(on backend: BackendUnderTest) throws {
      try backend.run {
        for transport in [Transport.inet, .socketPair] {
          let (client, server) = try transport.pair()
          let echo = spawn {
            var buffer = [UInt8](repeating: 0, count: 16)
            while case let n = try server.receive(into: &buffer), n > 0 {
              try server.sendAll(buffer[..<n])
            }
          }
          var buffer = [UInt8](repeating: 0, count: 16)
          var faults = 0
          for round in 0..<2_000 {
            try client.sendAll([UInt8(round & 255), UInt8(round >> 8)])
            let count = try client.receive(into: &buffer)
            if count != 2 || Int(buffer[0]) + Int(buffer[1]) << 8 != round { faults += 1 }
          }
          #expect(faults == 0)
          try client.close()
          try echo.value()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `receivers on one socket are served in order`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          var log: [String] = []
          for number in 0..<4 {
            _ = spawn {
              var byte = [UInt8](repeating: 0, count: 1)
              _ = try server.receive(into: &byte)
              log.append("\(number):\(byte[0])")
            }
          }
          for number in 0..<4 {
            try client.sendAll([UInt8(number)])
            try eventually { log.count > number }
          }
          #expect(log == ["0:0", "1:1", "2:2", "3:3"], "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `bytes that came at once are shared out among those who wait`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          var log: [UInt8] = []
          let receivers = (0..<4).map { _ in
            spawn {
              var byte = [UInt8](repeating: 0, count: 1)
              _ = try server.receive(into: &byte)
              log.append(byte[0])
            }
          }
          try client.sendAll("abcd")
          for receiver in receivers { try receiver.value() }
          #expect(log.sorted() == Array("abcd".utf8), "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `senders on one full socket all get through`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let before = try client.fill()
          let senders = (0..<4).map { number in
            spawn { try client.sendAll([UInt8](repeating: UInt8(number), count: 1_000)) }
          }
          #expect(senders.allSatisfy { !$0.hasEnded }, "\(transport)")
          var buffer = [UInt8](repeating: 0, count: 32_768)
          var counts = [0, 0, 0, 0]
          var received = 0
          while received < before + 4_000 {
            let count = try server.receive(into: &buffer)
            for index in 0..<count where received + index >= before {
              counts[Int(buffer[index])] += 1
            }
            received += count
          }
          for sender in senders { try sender.value() }
          #expect(counts == [1_000, 1_000, 1_000, 1_000], "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a receiver gets what there is and does not wait for more`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let receiver = spawn { try server.receiveText() }
          try client.sendAll("abc")
          #expect(try receiver.value() == "abc", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what a small buffer leaves stays for the next call`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          // Parked once, so that a backend that waits for edges has its registration.
          let receiver = spawn { try server.receiveText() }
          try client.sendAll("x")
          #expect(try receiver.value() == "x")
          try client.sendAll("abcdef")
          #expect(try server.receiveExactly(2) == Array("ab".utf8), "\(transport)")
          #expect(try server.receiveExactly(2) == Array("cd".utf8), "\(transport)")
          #expect(try server.receiveText() == "ef", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end follows at once on a read that came up short`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let receiver = spawn { try server.receiveText() }
          try client.sendAll("x")
          #expect(try receiver.value() == "x")
          try client.sendAll("bye")
          try client.close()
          try settle()
          #expect(try server.receiveText() == "bye", "\(transport)")
          #expect(try server.receiveText(timeout: .seconds(10)) == "", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a busy stream starves no other coroutine`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        var isOver = false
        let sender = spawn {
          let bytes = [UInt8](repeating: 1, count: 64)
          while !isOver { try left.sendAll(bytes) }
          try left.close()
        }
        let receiver = spawn {
          var buffer = [UInt8](repeating: 0, count: 64)
          while try right.receive(into: &buffer) > 0 {}
        }
        try Coroutine.sleep(for: .milliseconds(5))
        isOver = true
        try sender.value()
        try receiver.value()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `packets of a connection keep their bounds`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair(.seqpacket)
        try left.sendAll("one")
        try left.sendAll("three")
        #expect(try right.receiveText() == "one")
        #expect(try right.receiveText() == "three")
        try left.close()
        #expect(try right.receiveText() == "")
      }
    }
  }
}
