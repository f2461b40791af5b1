import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Stream sockets: connections, what flows through them, and how they end.
  @Suite struct StreamSockets {
    // MARK: Connecting

    @Test(arguments: BackendUnderTest.selected)
    func `a client is accepted and hears its echo on every transport`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Scratch.with { scratch in
          for transport in Transport.named {
            let listener = try #require(try transport.listener(scratch))
            let server = spawn {
              let peer = try listener.accept()
              try peer.sendAll(try peer.receiveExactly(4))
            }
            let client = try connected(to: listener)
            try client.sendAll("ping")
            #expect(try client.receiveExactly(4) == Array("ping".utf8), "\(transport)")
            try server.value()
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `each side of a connection knows both names`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          for transport in Transport.named {
            let listener = try #require(try transport.listener(scratch))
            let client = try connected(to: listener)
            let server = try listener.accept()
            #expect(try client.remoteAddress == listener.localAddress, "\(transport)")
            #expect(try server.localAddress == listener.localAddress, "\(transport)")
            #expect(try server.remoteAddress == client.localAddress, "\(transport)")
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an unconnected socket has no peer`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        #expect(try failure { _ = try socket.remoteAddress }.isSystem(ENOTCONN))
        #expect(try failure { _ = try socket.receiveText() }.isSystem(ENOTCONN))
        #expect(try failure { try socket.sendAll("x") }.isSystem(EPIPE))
        #expect(try failure { try socket.shutdown(.both) }.isSystem(ENOTCONN))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connection to a port where nobody listens is refused`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        // Bound, but not listening: the port stays nobody else's.
        let silent = try Coroutine.socket(.inet, .stream)
        try silent.bind(to: .inet("127.0.0.1", port: 0))
        let address = try silent.localAddress
        let socket = try Coroutine.socket(.inet, .stream)
        let error = try failure { try socket.connect(to: address) }
        #expect(error.isSystem(ECONNREFUSED))
        let port = try #require(address.port)
        #expect(
          error.description
            == "connect to 127.0.0.1:\(port): Connection refused (ECONNREFUSED)")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connection to a path that does not exist fails`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          let path = scratch.path()
          let socket = try Coroutine.socket(.unix, .stream)
          let error = try failure { try socket.connect(to: .unix(path: path)) }
          #expect(error.isSystem(ENOENT))
          #expect(error.operands == "to unix:\(path)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connection to a path that nobody serves is refused`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Scratch.with { scratch in
          let address = try Socket.Address.unix(path: scratch.path())
          let server = try Coroutine.socket(.unix, .stream)
          try server.bind(to: address)
          try server.close()
          let socket = try Coroutine.socket(.unix, .stream)
          #expect(try failure { try socket.connect(to: address) }.isSystem(ECONNREFUSED))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `connecting twice fails`(on backend: BackendUnderTest) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          let client = try connected(to: listener)
          let error = try failure { try client.connect(to: listener.localAddress) }
          #expect(error.isSystem(EISCONN))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an address is bound once`(on backend: BackendUnderTest) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          let address = try listener.localAddress
          let other = try Coroutine.socket(address.family, .stream)
          let error = try failure { try other.bind(to: address) }
          #expect(error.isSystem(EADDRINUSE))
          #expect(error.description.hasPrefix("bind to \(address): "))
        }
      }
    }

    // MARK: Accepting

    @Test(arguments: BackendUnderTest.selected)
    func `a socket that does not listen accepts nobody`(on backend: BackendUnderTest) throws {
      try backend.run {
        for family in [Socket.Family.inet, .inet6, .unix] {
          let socket = try Coroutine.socket(family, .stream)
          let error = try failure { _ = try socket.accept() }
          #expect(error.isSystem(EINVAL) && error.call == "accept")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram socket can't listen`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try inetDatagramSocket()
        #expect(try failure { try socket.listen() }.isSystem(EOPNOTSUPP))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `connections are accepted in the order in which they came`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          let clients = try (0..<10).map { number in
            let client = try connected(to: listener)
            try client.sendAll("\(number)")
            return client
          }
          for number in clients.indices {
            #expect(try listener.accept().receiveText() == "\(number)")
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `coroutines that accept on one socket are served in order`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          var log: [Int] = []
          for number in 0..<5 {
            _ = spawn {
              let peer = try listener.accept()
              log.append(number)
              try peer.sendAll("\(number)")
            }
          }
          #expect(log.isEmpty)
          // One at a time, so that it is the order of the waiters that shows.
          for number in 0..<5 {
            let client = try connected(to: listener)
            #expect(try client.receiveText() == "\(number)")
          }
          #expect(log == [0, 1, 2, 3, 4])
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a peer that vanished before it was accepted harms nobody`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          let early = try connected(to: listener)
          try early.resetOnClose()
          try early.close()
          let client = try connected(to: listener)
          try client.sendAll("here")
          // The dead connection may be delivered, and then says so itself; whose it was is known.
          var heard = ""
          while heard != "here" {
            let peer = try listener.accept(timeout: .seconds(10))
            #expect(try peer.remoteAddress.family == listener.localAddress.family)
            heard = (try? peer.receiveText()) ?? ""
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `connect waits while the backlog of a Unix listener is full`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let listener = try unixListener(backlog: 0)
        let first = try connected(to: listener)
        let waiting = spawn { try connected(to: listener) }
        #expect(!waiting.hasEnded)
        let peer = try listener.accept()
        let second = try waiting.value()
        try first.sendAll("1")
        try second.sendAll("2")
        #expect(try peer.receiveText() == "1")
        #expect(try listener.accept().receiveText() == "2")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `five hundred connections live side by side`(on backend: BackendUnderTest) throws {
      try backend.run {
        let listener = try inetListener()
        let server = spawn {
          for _ in 0..<500 {
            let peer = try listener.accept()
            _ = spawn {
              var buffer = [UInt8](repeating: 0, count: 16)
              while case let n = try peer.receive(into: &buffer), n > 0 {
                try peer.sendAll(buffer[..<n])
              }
            }
          }
        }
        let clients = try (0..<500).map { _ in try connected(to: listener) }
        try server.value()
        for (number, client) in clients.enumerated() { try client.sendAll("\(number)") }
        var echoes = 0
        for (number, client) in clients.enumerated() {
          if try client.receiveText() == "\(number)" { echoes += 1 }
        }
        #expect(echoes == 500)
        for client in clients { try client.close() }
      }
    }

    // MARK: The end of a stream

    @Test(arguments: BackendUnderTest.selected)
    func `the end of the stream is 0, again and again, after what was sent`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          try client.sendAll("last")
          try client.close()
          #expect(try server.receiveText() == "last", "\(transport)")
          for _ in 0..<3 { #expect(try server.receiveText() == "", "\(transport)") }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a receiver that waits sees the peer close`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let receiver = spawn { try server.receiveText() }
          #expect(!receiver.hasEnded)
          try client.close()
          #expect(try receiver.value() == "", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected, Transport.allCases)
    func `after half a close the other half goes on, either way`(
      on backend: BackendUnderTest, transport: Transport
    ) throws {
      try backend.run {
        for isClientFirst in [true, false] {
          let (client, server) = try transport.pair()
          let (one, other) = isClientFirst ? (client, server) : (server, client)
          try one.sendAll("question")
          try one.shutdown(.sending)
          #expect(try other.receiveExactly(100) == Array("question".utf8))
          #expect(try failure { try one.sendAll("more") }.isSystem(EPIPE))
          try other.sendAll("answer")
          try other.shutdown(.sending)
          #expect(try one.receiveExactly(100) == Array("answer".utf8))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `shutting down the receiving side wakes who receives`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, _ in
          let receiver = spawn { try client.receiveText() }
          #expect(!receiver.hasEnded)
          try client.shutdown(.receiving)
          #expect(try receiver.value() == "", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `sending to a peer that closed is an error and no signal`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          try server.close()
          // TCP takes the first bytes before it hears of the reset.
          let error = try failure { while true { try client.sendAll("are you there?") } }
          #expect(error.isSystem(EPIPE) || error.isSystem(ECONNRESET), "\(transport)")
          #expect(error.call == "sendAll")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a sender that waits hears that the peer closed`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          _ = try client.fill()
          let sender = spawn { try client.sendAll("more") }
          #expect(!sender.hasEnded)
          try server.close()
          let error = try sender.error()
          #expect(error.isSystem(EPIPE) || error.isSystem(ECONNRESET), "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a reset reaches who receives`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        let receiver = spawn { try server.receiveText() }
        #expect(!receiver.hasEnded)
        try client.resetOnClose()
        try client.close()
        let error = try receiver.error()
        #expect(error.isSystem(ECONNRESET))
        #expect(error.call == "receive" && error.operands == "from socket \(server.number)")
        // The error was delivered; what remains is the end.
        #expect(try server.receiveText() == "")
      }
    }
  }
}

extension Socket {
  /// Makes close send a reset instead of the end of the stream (SO_LINGER with no time).
  func resetOnClose() throws {
    var setting = linger(l_onoff: 1, l_linger: 0)
    let size = socklen_t(MemoryLayout<linger>.size)
    try #require(setsockopt(number, SOL_SOCKET, SO_LINGER, &setting, size) == 0)
  }
}
