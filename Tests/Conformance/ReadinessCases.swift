import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `wait(for:)`, `waitReadable`, `waitWritable` of sockets and pipes.
  @Suite struct WaitingForReadiness {
    // MARK: What it waits for

    @Test(arguments: BackendUnderTest.selected)
    func `who waits for bytes goes on when they come, and takes none`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let waiting = spawn { try server.waitReadable() }
          try settle()
          #expect(!waiting.hasEnded, "\(transport)")
          try client.sendAll("bytes")
          #expect(try waiting.value() == .readable, "\(transport)")
          #expect(try server.waitReadable() == .readable)
          #expect(try server.receiveText() == "bytes", "\(transport)")
          #expect(errorCode { try server.waitReadable(timeout: .zero) } == .timeout)
        }
        let (reader, writer) = try Coroutine.pipe()
        let waiting = spawn { try reader.waitReadable() }
        #expect(!waiting.hasEnded)
        try writer.writeAll("bytes")
        #expect(try waiting.value() == .readable)
        #expect(try reader.readText() == "bytes")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who waits for room goes on when there is some`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          #expect(try client.waitWritable() == .writable)
          let size = try client.fill()
          let waiting = spawn { try client.waitWritable() }
          try settle()
          #expect(!waiting.hasEnded, "\(transport)")
          #expect(try server.receiveExactly(size).count == size)
          #expect(try waiting.value() == .writable, "\(transport)")
        }
        let (reader, writer) = try Coroutine.pipe()
        #expect(try writer.waitWritable() == .writable)
        let size = try writer.fill()
        let waiting = spawn { try writer.waitWritable() }
        #expect(!waiting.hasEnded)
        var buffer = [UInt8](repeating: 0, count: size)
        #expect(try reader.read(into: &buffer) == size)
        #expect(try waiting.value() == .writable)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `of several events the first to come is told, and all that are there`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        #expect(try left.wait(for: [.readable, .writable]) == .writable)
        try right.sendAll("x")
        #expect(try left.wait(for: [.readable, .writable]) == [.readable, .writable])
        #expect(try left.receiveText() == "x")
        _ = try left.fill()
        let waiting = spawn { try left.wait(for: [.readable, .writable]) }
        #expect(!waiting.hasEnded)
        try right.sendAll("x")
        #expect(try waiting.value() == .readable)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a hang-up ends every wait`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let reading = spawn { try reader.waitReadable() }
        let either = spawn { try reader.wait(for: []) }
        #expect(!reading.hasEnded && !either.hasEnded)
        try writer.close()
        #expect(try reading.value() == .hungUp)
        #expect(try either.value() == .hungUp)
        #expect(try reader.readText() == "")

        let (otherReader, otherWriter) = try Coroutine.pipe()
        _ = try otherWriter.fill()
        let writing = spawn { try otherWriter.waitWritable() }
        #expect(!writing.hasEnded)
        try otherReader.close()
        #expect(try writing.value().contains(.failed))
        #expect(try otherWriter.waitWritable().contains(.failed))

        let (left, right) = try Coroutine.socketPair()
        let peer = spawn { try left.waitReadable() }
        #expect(!peer.hasEnded)
        try right.close()
        #expect(try peer.value() == [.readable, .hungUp])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end of the peer's sending is an event of its own`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for transport in [Transport.inet, .unixPath] {
          let (client, server) = try transport.pair()
          let waiting = spawn { try server.wait(for: .peerClosed) }
          try client.sendAll("x")
          try settle()
          #expect(!waiting.hasEnded, "\(transport)")
          try client.shutdown(.sending)
          #expect(try waiting.value() == .peerClosed, "\(transport)")
          #expect(try server.receiveText() == "x")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `urgent data are an event of their own`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        let waiting = spawn { try server.wait(for: .urgent) }
        try client.sendAll("ordinary")
        try settle()
        #expect(!waiting.hasEnded)
        #expect(send(client.number, "!", 1, CInt(MSG_OOB)) == 1)
        #expect(try waiting.value() == .urgent)
        #expect(try server.wait(for: [.urgent, .readable]) == [.urgent, .readable])
        var byte: UInt8 = 0
        #expect(recv(server.number, &byte, 1, CInt(MSG_OOB)) == 1)
        #expect(byte == UInt8(ascii: "!"))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a listener is readable when somebody connects`(on backend: BackendUnderTest) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          let waiting = spawn { try listener.waitReadable() }
          #expect(!waiting.hasEnded)
          let client = try connected(to: listener)
          #expect(try waiting.value() == .readable)
          let peer = try listener.accept(timeout: .zero)
          try peer.sendAll("x")
          #expect(try client.receiveText() == "x")
          #expect(errorCode { try listener.waitReadable(timeout: .zero) } == .timeout)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram that is waited for and received leaves nothing`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let receiver = try inetDatagramSocket()
        let sender = try inetDatagramSocket()
        for _ in 0..<3 {
          let waiting = spawn { try receiver.waitReadable() }
          #expect(!waiting.hasEnded)
          try sender.send("x", to: try receiver.localAddress)
          #expect(try waiting.value() == .readable)
          #expect(try receiver.receiveText(timeout: .zero) == "x")
        }
      }
    }

    // MARK: Timeouts, errors

    @Test(arguments: BackendUnderTest.selected)
    func `its time is up like any other wait's`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        for timeout in [Duration.milliseconds(-1), .zero, .milliseconds(2)] {
          let start = Instant.now
          let error = try failure { try left.waitReadable(timeout: timeout) }
          #expect(error.code == .timeout && error.call == "waitReadable")
          #expect(error.operands == "socket \(left.number)")
          #expect(Instant.now - start >= timeout)
        }
        _ = try left.fill()
        #expect(errorCode { try left.waitWritable(timeout: .milliseconds(1)) } == .timeout)
        #expect(errorCode { try left.wait(for: [], timeout: .milliseconds(1)) } == .timeout)
        // And then it waits as if nothing had been.
        let waiting = spawn { try left.waitReadable(timeout: .seconds(60)) }
        try right.sendAll("x")
        #expect(try waiting.value() == .readable)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `close and detach end it`(on backend: BackendUnderTest) throws {
      try backend.run {
        for end in [{ (end: PipeEnd) throws in try end.close() }, { _ = try $0.detach() }] {
          let (reader, writer) = try Coroutine.pipe()
          let number = reader.number
          let waiting = (0..<3).map { _ in spawn { try reader.waitReadable() } }
          try settle()
          try end(reader)
          for waiter in waiting {
            let error = try waiter.error()
            #expect(error.code == .closed && error.call == "waitReadable")
          }
          #expect(try failure { try reader.wait(for: .readable) }.code == .closed)
          if isOpen(number) { Glibc.close(number) }
          try writer.close()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the loop's end cancels it`(on backend: BackendUnderTest) throws {
      var code: CoroutineError.Code?
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        Coroutine(daemon: true) {
          code = errorCode { try left.waitReadable() }
          try right.close()
        }.start()
      }
      #expect(code == .cancelled)
    }

    // MARK: Together with others

    @Test(arguments: BackendUnderTest.selected)
    func `one byte serves all who wait for readiness and the one who reads`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for readerIsFirst in [true, false] {
          let (reader, writer) = try Coroutine.pipe()
          var reading: Spawned<String>?
          if readerIsFirst { reading = spawn { try reader.readText() } }
          let waiting = (0..<3).map { _ in spawn { try reader.waitReadable() } }
          if !readerIsFirst { reading = spawn { try reader.readText() } }
          try settle()
          try writer.writeAll("x")
          #expect(try reading?.value() == "x")
          for waiter in waiting { #expect(try waiter.value() == .readable) }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one who gives up leaves readers and the others waiting`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let receiver = spawn { try left.receiveText() }
        let patient = spawn { try left.waitReadable() }
        #expect(errorCode { try left.waitReadable(timeout: .milliseconds(1)) } == .timeout)
        #expect(errorCode { _ = try left.receiveText(timeout: .milliseconds(1)) } == .timeout)
        #expect(!receiver.hasEnded && !patient.hasEnded)
        try right.sendAll("x")
        #expect(try receiver.value() == "x")
        #expect(try patient.value() == .readable)
        let again = spawn { try left.receiveText() }
        try right.sendAll("y")
        #expect(try again.value() == "y")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wait for room and a wait for bytes do not mind each other`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let size = try left.fill()
        let reading = spawn { try left.waitReadable() }
        let writing = spawn { try left.waitWritable() }
        let sender = spawn { try left.sendAll("more") }
        try right.sendAll("x")
        #expect(try reading.value() == .readable)
        #expect(!writing.hasEnded && !sender.hasEnded)
        #expect(try right.receiveExactly(size).count == size)
        #expect(try writing.value().contains(.writable))
        try sender.value()
        #expect(try right.receiveText() == "more")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a transfer that waits before each plain call loses no wake-up`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for transport in [Transport.inet, .socketPair] {
          let (client, server) = try transport.pair()
          let total = 2_000_000
          let sender = spawn {
            var sent = 0
            while sent < total {
              let piece = Array(Pattern.bytes(at: sent, count: min(9_000, total - sent)))
              let flags = CInt(MSG_DONTWAIT | MSG_NOSIGNAL)
              let count = send(client.number, piece, piece.count, flags)
              if count < 0 { try client.waitWritable() } else { sent += count }
            }
          }
          var buffer = [UInt8](repeating: 0, count: 7_000)
          var received = 0
          while received < total {
            let count = recv(server.number, &buffer, buffer.count, CInt(MSG_DONTWAIT))
            if count < 0 {
              try server.waitReadable()
            } else {
              #expect(Pattern.matches(buffer, count, at: received), "\(transport)")
              received += count
            }
          }
          try sender.value()
        }
      }
    }
  }
}
