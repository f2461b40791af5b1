import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Listeners that others have a part in.
  @Suite struct Accepting {
    @Test(arguments: BackendUnderTest.selected)
    func `who reset the connection before it was accepted is known`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let listener = try inetListener()
        let client = try connected(to: listener)
        let address = try client.localAddress
        try client.resetOnClose()
        try client.close()
        let peer = try listener.accept()
        #expect(try peer.remoteAddress == address)
        #expect(try failure { _ = try peer.receiveText() }.isSystem(ECONNRESET))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what was sent and ended before it was accepted is received`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          for timeout in [nil, Duration.seconds(60), .zero] {
            let client = try connected(to: listener)
            try client.sendAll("early")
            try client.shutdown(.sending)
            let peer = try listener.accept()
            #expect(try peer.receiveText(timeout: timeout) == "early")
            #expect(try peer.receiveText(timeout: timeout) == "")
            // Nothing but the end, and then others who wait as well.
            let silent = try connected(to: listener)
            let other = try listener.accept()
            let receivers = (0..<2).map { _ in spawn { try other.receiveText() } }
            #expect(receivers.allSatisfy { !$0.hasEnded })
            try silent.close()
            #expect(try receivers.map { try $0.value() } == ["", ""])
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what was sent before it was accepted is received though the time was up meanwhile`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let listener = try inetListener()
        let client = try connected(to: listener)
        try client.sendAll("early")
        let peer = try listener.accept()
        let (reader, writer) = try Coroutine.pipe()
        let receiving = spawn { try peer.receiveText(timeout: .milliseconds(1)) }
        let reading = spawn { try reader.readText() }
        let end = Instant.now + .milliseconds(3)
        while Instant.now < end {}
        // Now the loop has something to do, and need not ask the kernel.
        try writer.writeAll("x")
        #expect(try reading.value() == "x")
        #expect(try receiving.value() == "early")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connection that is made and ended has no remote address any more`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let listener = try inetListener()
        let client = try connected(to: listener)
        let peer = try listener.accept()
        try peer.resetOnClose()
        try peer.close()
        #expect(try failure { _ = try client.receiveText() }.isSystem(ECONNRESET))
        #expect(try failure { _ = try client.remoteAddress }.isSystem(ENOTCONN))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who waits to accept comes before who asks when the connection is there`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          let waiting = spawn { try listener.accept().receiveText() }
          // By the C function: the loop gets no turn meanwhile.
          let clients = try ["1", "2"].map { text in
            let client = try connectPlainly(to: listener.localAddress, of: listener)
            #expect(Glibc.send(client, text, 1, 0) == 1)
            return client
          }
          #expect(try listener.accept().receiveText() == "2")
          #expect(try waiting.value() == "1")
          for client in clients { Glibc.close(client) }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a listener that somebody has set to blocking mode blocks nobody`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          // As a child does that is given it.
          #expect(fcntl(listener.number, F_SETFL, 0) == 0)
          #expect(errorCode { _ = try listener.accept(timeout: .zero) } == .timeout)
          #expect(errorCode { _ = try listener.accept(timeout: .milliseconds(1)) } == .timeout)
          let acceptor = spawn { try listener.accept() }
          #expect(!acceptor.hasEnded)
          let client = try connected(to: listener)
          try client.sendAll("x")
          #expect(try acceptor.value().receiveText() == "x")
        }
      }
    }
  }
}
