import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `SocketOption`: each one set and asked, and what is refused.
  @Suite struct SocketOptions {
    private func flips(
      _ option: SocketOption<Bool>, on socket: Socket, from start: Bool = false
    ) throws {
      #expect(try socket.option(option) == start)
      for value in [true, true, false, true] {
        try socket.setOption(option, value)
        #expect(try socket.option(option) == value)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `reuseAddress is off at first and can be set`(on backend: BackendUnderTest) throws {
      try backend.run { try flips(.reuseAddress, on: Coroutine.socket(.inet, .stream)) }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `reusePort is off at first and can be set`(on backend: BackendUnderTest) throws {
      try backend.run { try flips(.reusePort, on: Coroutine.socket(.inet6, .stream)) }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `keepAlive is off at first and can be set`(on backend: BackendUnderTest) throws {
      try backend.run { try flips(.keepAlive, on: Coroutine.socket(.inet, .stream)) }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `broadcast is off at first and can be set`(on backend: BackendUnderTest) throws {
      try backend.run { try flips(.broadcast, on: Coroutine.socket(.inet, .datagram)) }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `noDelay is off at first and can be set`(on backend: BackendUnderTest) throws {
      try backend.run { try flips(.noDelay, on: Coroutine.socket(.inet, .stream)) }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `ipv6Only can be set before the socket is bound`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet6, .stream)
        try flips(.ipv6Only, on: socket, from: try socket.option(.ipv6Only))
        try socket.bind(to: .inet6("::1", port: 0))
        #expect(try failure { try socket.setOption(.ipv6Only, false) }.isSystem(EINVAL))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `isListening tells a listener and can't be set`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.unix, .stream)
        #expect(try !socket.option(.isListening))
        #expect(try unixListener().option(.isListening))
        #expect(try failure { try socket.setOption(.isListening, true) }.isSystem(ENOPROTOOPT))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the sizes of the buffers are doubled by the kernel`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        try socket.setOption(.sendBufferSize, 20_000)
        try socket.setOption(.receiveBufferSize, 30_000)
        #expect(try socket.option(.sendBufferSize) == 40_000)
        #expect(try socket.option(.receiveBufferSize) == 60_000)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `timeToLive is a number from 1 to 255`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .datagram)
        #expect(try socket.option(.timeToLive) == 64)
        for value in [1, 255] {
          try socket.setOption(.timeToLive, value)
          #expect(try socket.option(.timeToLive) == value)
        }
        for value in [0, 256, -2] {
          #expect(try failure { try socket.setOption(.timeToLive, value) }.isSystem(EINVAL))
        }
        #expect(try socket.option(.timeToLive) == 255)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `pendingError is told once`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        #expect(try left.option(.pendingError) == 0)
        try left.connect(to: right.localAddress)
        try right.close()
        try left.sendAll("anybody?")
        #expect(try left.option(.pendingError) == Int(ECONNREFUSED))
        #expect(try left.option(.pendingError) == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an option of another family is refused`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.unix, .stream)
        for option in [SocketOption<Bool>.noDelay, .ipv6Only] {
          let refusal = try failure { try socket.setOption(option, true) }
          #expect(refusal.isSystem(EOPNOTSUPP) || refusal.isSystem(ENOPROTOOPT))
          #expect(refusal.call == "setOption")
          #expect(refusal.operands.contains("socket \(socket.number)"))
          #expect(try failure { _ = try socket.option(option) }.code == .system)
        }
        #expect(try failure { try socket.setOption(.timeToLive, 9) }.code == .system)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a number beyond 32 bits is refused`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        let before = try socket.option(.sendBufferSize)
        for value in [Int(CInt.max) + 1, Int(CInt.min) - 1, .max, .min] {
          let error = try failure { try socket.setOption(.sendBufferSize, value) }
          #expect(error.code == .invalidArgument && error.description.contains("\(value)"))
        }
        #expect(try socket.option(.sendBufferSize) == before)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `two listeners with reusePort share a port`(on backend: BackendUnderTest) throws {
      try backend.run {
        let first = try Coroutine.socket(.inet, .stream)
        let second = try Coroutine.socket(.inet, .stream)
        for socket in [first, second] { try socket.setOption(.reusePort, true) }
        try first.bind(to: .inet("127.0.0.1", port: 0))
        try second.bind(to: first.localAddress)
        #expect(try first.localAddress == second.localAddress)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `reuseAddress lets a server come back to its port`(on backend: BackendUnderTest) throws {
      try backend.run {
        // The server has the option too: a lingering connection inherits it from its listener.
        let listener = try Coroutine.socket(.inet, .stream)
        try listener.setOption(.reuseAddress, true)
        try listener.bind(to: .inet("127.0.0.1", port: 0))
        try listener.listen()
        let address = try listener.localAddress
        let client = try connected(to: listener)
        // The server's end closes first, so that its side lingers in TIME_WAIT.
        try listener.accept().close()
        try listener.close()
        #expect(try client.receiveText() == "")
        try client.close()
        let plain = try Coroutine.socket(.inet, .stream)
        #expect(try failure { try plain.bind(to: address) }.isSystem(EADDRINUSE))
        let next = try Coroutine.socket(.inet, .stream)
        try next.setOption(.reuseAddress, true)
        try next.bind(to: address)
        try next.listen()
        _ = try connected(to: next)
      }
    }
  }
}
