import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Options with values of every type: what they do, and how what is out of range is refused.
  @Suite struct TypedOptions {
    // MARK: Times

    @Test(arguments: BackendUnderTest.selected)
    func `linger is nothing, a time, or zero`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        #expect(try socket.option(.linger) == nil)
        for value in [Duration.seconds(5), .zero, nil, .seconds(60)] {
          try socket.setOption(.linger, value)
          #expect(try socket.option(.linger) == value)
        }
        let error = try failure { try socket.setOption(.linger, .milliseconds(1500)) }
        #expect(error.code == .invalidArgument && error.description.contains("SO_LINGER"))
        #expect(try socket.option(.linger) == .seconds(60))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `zero linger resets the connection`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        let receiver = spawn { try server.receiveText() }
        try client.setOption(.linger, .zero)
        try client.close()
        #expect(try receiver.error().isSystem(ECONNRESET))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `keep-alive is set to times and a count`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        try socket.setOption(.keepAlive, true)
        try socket.setOption(.keepAliveIdle, .seconds(90))
        try socket.setOption(.keepAliveInterval, .seconds(11))
        try socket.setOption(.keepAliveCount, 4)
        #expect(try socket.option(.keepAliveIdle) == .seconds(90))
        #expect(try socket.option(.keepAliveInterval) == .seconds(11))
        #expect(try socket.option(.keepAliveCount) == 4)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a time is a multiple of the option's unit`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        try socket.setOption(.userTimeout, .milliseconds(1500))
        #expect(try socket.option(.userTimeout) == .milliseconds(1500))
        let refused: [(SocketOption<Duration>, String, Duration)] = [
          (.keepAliveIdle, "TCP_KEEPIDLE", .milliseconds(1500)),
          (.keepAliveInterval, "TCP_KEEPINTVL", .seconds(-1)),
          (.userTimeout, "TCP_USER_TIMEOUT", .microseconds(1500)),
          (.userTimeout, "TCP_USER_TIMEOUT", .seconds(3_000_000)),
          (.deferAccept, "TCP_DEFER_ACCEPT", .seconds(Int64.max)),
        ]
        for (option, name, value) in refused {
          let error = try failure { try socket.setOption(option, value) }
          #expect(error.code == .invalidArgument, "\(name) \(value)")
          #expect(error.description.hasPrefix("setOption \(name) of socket \(socket.number) to"))
        }
        // Whole seconds, which the kernel refuses.
        let error = try failure { try socket.setOption(.keepAliveIdle, .seconds(40_000)) }
        #expect(error.isSystem(EINVAL) && error.description.contains("TCP_KEEPIDLE"))
      }
    }

    // MARK: Numbers

    @Test(arguments: BackendUnderTest.selected)
    func `numbers that the kernel would cut are refused by the option's name`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .datagram)
        for (option, name, value) in [
          (SocketOption<Int>.typeOfService, "IP_TOS", 256), (.typeOfService, "IP_TOS", -1),
          (.multicastTimeToLive, "IP_MULTICAST_TTL", 256), (.sendBufferSize, "SO_SNDBUF", -1),
          (.receiveBufferSize, "SO_RCVBUF", 1 << 31), (.receiveLowWatermark, "SO_RCVLOWAT", -1),
          (.timeToLive, "IP_TTL", 1 << 40),
        ] {
          let error = try failure { try socket.setOption(option, value) }
          #expect(error.code == .invalidArgument, "\(name) \(value)")
          #expect(
            error.description.hasPrefix("setOption \(name) of socket \(socket.number) to \(value):")
          )
        }
        let error = try failure { try socket.setOption(.timeToLive, 256) }
        #expect(error.isSystem(EINVAL) && error.operands.hasPrefix("IP_TTL of socket"))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `numbers of both families are set and asked`(on backend: BackendUnderTest) throws {
      try backend.run {
        let inet = try Coroutine.socket(.inet, .datagram)
        try inet.setOption(.typeOfService, 0x10)
        try inet.setOption(.multicastTimeToLive, 3)
        try inet.setOption(.priority, 5)
        #expect(try inet.option(.typeOfService) == 0x10)
        #expect(try inet.option(.multicastTimeToLive) == 3)
        #expect(try inet.option(.priority) == 5)
        let inet6 = try Coroutine.socket(.inet6, .datagram)
        for option in [SocketOption<Int>.hopLimit, .trafficClass, .multicastHopLimit] {
          try inet6.setOption(option, 9)
          #expect(try inet6.option(option) == 9)
          #expect(try failure { try inet6.setOption(option, 256) }.isSystem(EINVAL))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `TCP's own options are set and asked`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        for option in [SocketOption<Bool>.cork, .noDelay] {
          try socket.setOption(option, true)
          #expect(try socket.option(option))
        }
        try socket.setOption(.quickAcknowledgement, false)
        try socket.setOption(.maximumSegmentSize, 1_200)
        try socket.setOption(.synCount, 3)
        try socket.setOption(.notSentLowWatermark, 65_536)
        #expect(try socket.option(.synCount) == 3)
        #expect(try socket.option(.notSentLowWatermark) == 65_536)
        let name = try socket.option(.congestionControl)
        #expect(!name.isEmpty)
        try socket.setOption(.congestionControl, name)
        let error = try failure { try socket.setOption(.congestionControl, "no such thing") }
        #expect(error.isSystem(ENOENT) && error.description.contains("TCP_CONGESTION"))
        let listener = try inetListener()
        try listener.setOption(.fastOpen, 5)
        #expect(try listener.option(.fastOpen) == 5)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a listener that defers hands out a connection with its first data`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let listener = try inetListener()
        try listener.setOption(.deferAccept, .seconds(30))
        #expect(try listener.option(.deferAccept) >= .seconds(1))
        let client = try connected(to: listener)
        let acceptor = spawn { try listener.accept() }
        try settle()
        #expect(!acceptor.hasEnded)
        try client.sendAll("data")
        #expect(try acceptor.value().receiveText(timeout: .zero) == "data")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `fewer bytes than the low watermark wake nobody`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        try server.setOption(.receiveLowWatermark, 4)
        #expect(try server.option(.receiveLowWatermark) == 4)
        #expect(try server.option(.sendLowWatermark) == 1)
        let receiver = spawn { try server.receiveText() }
        try settle()
        try client.sendAll("ab")
        try settle()
        #expect(!receiver.hasEnded)
        try client.sendAll("cdef")
        #expect(try receiver.value() == "abcdef")
        // The end is told whatever the watermark.
        let last = spawn { try server.receiveText() }
        try client.close()
        #expect(try last.value() == "")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a corked socket holds back what is no full packet`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        try client.setOption(.cork, true)
        try client.sendAll("ab")
        #expect(try failure { _ = try server.receiveText(timeout: .zero) }.code == .timeout)
        try client.sendAll("cd")
        try client.setOption(.cork, false)
        #expect(try server.receiveExactly(4) == Array("abcd".utf8))
      }
    }

    // MARK: What a socket is

    @Test(arguments: BackendUnderTest.selected)
    func `a socket tells its family, kind and protocol`(on backend: BackendUnderTest) throws {
      try backend.run {
        for family in [Socket.Family.unix, .inet, .inet6] {
          for kind in [Socket.Kind.stream, .datagram] {
            let socket = try Coroutine.socket(family, kind)
            #expect(try socket.option(.family) == family && socket.option(.kind) == kind)
            let number = family == .unix ? 0 : kind == .stream ? IPPROTO_TCP : IPPROTO_UDP
            #expect(try socket.option(.protocolNumber) == Int(number))
          }
        }
        let socket = try Coroutine.socket(.unix, .seqpacket)
        #expect(try socket.option(.kind) == .seqpacket)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the peer of a Unix connection has credentials`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        #expect(try left.option(.peerCredentials) == .own)
        #expect(try right.option(.peerCredentials).processID == getpid())
        let listener = try unixListener()
        let client = try connected(to: listener)
        #expect(try listener.accept().option(.peerCredentials) == .own)
        #expect(try client.option(.peerCredentials) == .own)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a socket can be bound to an interface`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try inetDatagramSocket()
        #expect(try socket.option(.bindToDevice) == "")
        try socket.setOption(.bindToDevice, "lo")
        #expect(try socket.option(.bindToDevice) == "lo")
        let peer = try inetDatagramSocket()
        try peer.send("over lo", to: socket.localAddress)
        #expect(try socket.receiveText() == "over lo")
        let error = try failure { try socket.setOption(.bindToDevice, "no-such-one") }
        #expect(error.code == .system && error.description.contains("SO_BINDTODEVICE"))
      }
    }

    // MARK: Others

    @Test(arguments: BackendUnderTest.selected)
    func `an option without a type is reached by its numbers`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        let keepAlive = SocketOption<Bool>(level: SOL_SOCKET, name: SO_KEEPALIVE)
        try socket.setOption(keepAlive, true)
        #expect(try socket.option(.keepAlive))
        let linger = SocketOption<[UInt8]>(level: SOL_SOCKET, name: SO_LINGER)
        try socket.setOption(linger, [1, 0, 0, 0, 7, 0, 0, 0])
        #expect(try socket.option(.linger) == .seconds(7))
        #expect(try socket.option(linger) == [1, 0, 0, 0, 7, 0, 0, 0])
        // TCP_INFO begins with the state: closed.
        let information = SocketOption<[UInt8]>(level: CInt(IPPROTO_TCP), name: TCP_INFO)
        #expect(try socket.option(information).first == 7)
        #expect(try socket.option(information, capacity: 2).count == 2)
        let unknown = SocketOption<Int>(level: SOL_SOCKET, name: 9_999)
        let error = try failure { _ = try socket.option(unknown) }
        #expect(error.isSystem(ENOPROTOOPT) && error.operands.contains("option 9999 of level 1"))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `options of a closed socket are not asked`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        try socket.close()
        for error in [
          try failure { _ = try socket.option(.linger) },
          try failure { _ = try socket.option(.kind) },
          try failure { _ = try socket.option(.peerCredentials) },
          try failure { _ = try socket.option(.bindToDevice) },
          try failure { try socket.setOption(.linger, .zero) },
          try failure { try socket.setOption(.keepAliveIdle, .seconds(1)) },
          try failure { try socket.setOption(.bindToDevice, "lo") },
          try failure { try socket.joinGroup(.inet("239.1.2.3", port: 0)) },
        ] {
          #expect(error.code == .closed)
        }
      }
    }
  }
}
