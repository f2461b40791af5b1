import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `sendMessage` and `receiveMessage`: names, flags and control data beside the bytes.
  @Suite struct Messages {
    private var loopbackPairs: [(left: Socket, right: Socket)] {
      get throws {
        [
          (try inetDatagramSocket(), try inetDatagramSocket()),
          (
            try datagramSocket(.inet6("::1", port: 0)), try datagramSocket(.inet6("::1", port: 0))
          ),
        ]
      }
    }

    private func receive(
      _ socket: Socket, size: Int = 64, capacity: Int = Socket.controlCapacityDefault,
      flags: Socket.ReceiveFlags = [], timeout: Duration? = nil
    ) throws -> (message: Socket.Message, text: String) {
      var buffer = [UInt8](repeating: 0, count: size)
      let message = try socket.receiveMessage(
        into: &buffer, controlCapacity: capacity, flags: flags, timeout: timeout)
      let count = min(message.count, size)
      return (message, String(decoding: buffer[..<count], as: UTF8.self))
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a message tells its sender, and can be answered`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          let unix = (
            left: try datagramSocket(.unix(path: scratch.path("a"))),
            right: try datagramSocket(.unix(path: scratch.path("b")))
          )
          for (left, right) in try loopbackPairs + [unix] {
            #expect(try left.sendMessage("hello", to: right.localAddress) == 5)
            let (message, text) = try receive(right)
            #expect(text == "hello" && message.count == 5)
            let sender = try #require(message.sender)
            #expect(try sender == left.localAddress)
            try right.sendMessage(["th", "ere"].joined(), to: sender)
            #expect(try receive(left).text == "there")
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `where the kernel names nobody there is no sender`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          try client.sendMessage("x")
          #expect(try receive(server).message.sender == nil, "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a message that does not fit is flagged as truncated`(on backend: BackendUnderTest) throws
    {
      try backend.run {
        var pairs = try loopbackPairs
        for kind in [Socket.Kind.datagram, .seqpacket] { pairs.append(try Socket.pair(kind)) }
        for (left, right) in pairs {
          if try left.option(.family) != .unix { try left.connect(to: right.localAddress) }
          for text in ["abcdef", "abc", "ab", "next"] { try left.sendMessage(text) }
          let (long, start) = try receive(right, size: 3)
          #expect(long.isTruncated && long.count == 3 && start == "abc")
          let (exact, _) = try receive(right, size: 3)
          #expect(!exact.isTruncated && exact.count == 3)
          let (short, _) = try receive(right, size: 3)
          #expect(!short.isTruncated && short.count == 2)
          let (real, rest) = try receive(right, size: 3, flags: .realLength)
          #expect(real.isTruncated && real.count == 4 && rest == "nex")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a stream is never truncated, and ends with 0`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          try client.sendMessage("abcdef")
          let (first, text) = try receive(server, size: 3, flags: .realLength)
          #expect(text == "abc" && !first.isTruncated && first.count == 3, "\(transport)")
          #expect(try receive(server).text == "def", "\(transport)")
          try client.close()
          #expect(try receive(server).message.count == 0, "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a receiver waits for its message, times out, or hears of the close`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair(.seqpacket)
        let receiver = spawn { try receive(right).text }
        #expect(!receiver.hasEnded)
        try left.sendMessage("late")
        #expect(try receiver.value() == "late")
        for timeout in [Duration.zero, .milliseconds(1)] {
          let error = try failure { _ = try receive(right, timeout: timeout) }
          #expect(error.code == .timeout && error.call == "receiveMessage")
          #expect(error.operands == "from socket \(right.number)")
        }
        let waiter = spawn { try receive(right).text }
        try right.close()
        #expect(try waiter.error().code == .closed)
        #expect(try failure { _ = try receive(right) }.code == .closed)
        #expect(try failure { try right.sendMessage("x") }.code == .closed)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a sender waits for room, also in another's queue`(on backend: BackendUnderTest) throws {
      try backend.run {
        let server = try datagramSocket(.unix(abstract: uniqueName()))
        let address = try server.localAddress
        let client = try Coroutine.socket(.unix, .datagram)
        let sender = spawn { for _ in 0..<2_000 { try client.sendMessage("x", to: address) } }
        #expect(!sender.hasEnded)
        for _ in 0..<2_000 { #expect(try receive(server).text == "x") }
        try sender.value()
        let (left, right) = try Coroutine.socketPair()
        let filled = try left.fill()
        let waiter = spawn { try left.sendMessage("more") }
        #expect(!waiter.hasEnded)
        #expect(
          try failure { try left.sendMessage("x", timeout: .milliseconds(1)) }.code == .timeout)
        #expect(try right.receiveExactly(filled).count == filled)
        #expect(try waiter.value() == 4)
      }
    }

    // MARK: Control data

    @Test(arguments: BackendUnderTest.selected)
    func `credentials come with each message when they are asked for`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for kind in [Socket.Kind.stream, .datagram, .seqpacket] {
          let (left, right) = try Socket.pair(kind)
          try left.sendMessage("without")
          #expect(try receive(right).message.credentials == nil)
          try right.setOption(.passCredentials, true)
          try left.sendMessage("implicit")
          #expect(try receive(right).message.credentials == .own)
          try left.sendMessage("explicit", control: [.credentials(.own)])
          let (message, _) = try receive(right)
          #expect(message.credentials == .own && message.control.count == 1)
          #expect(message.credentials?.processID == getpid())
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `credentials of a process that does not exist are refused`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, _) = try Socket.pair()
        var forged = Socket.Credentials.own
        forged.processID = .max
        let error = try failure { try left.sendMessage("x", control: [.credentials(forged)]) }
        #expect(error.isSystem(EPERM) || error.isSystem(ESRCH))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `control data that does not fit is flagged, and the bytes are there`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair(.seqpacket)
        try right.setOption(.passCredentials, true)
        for capacity in [0, 1, 15, 16, 20] {
          try left.sendMessage("bytes")
          let (message, text) = try receive(right, capacity: capacity)
          #expect(text == "bytes" && message.isControlTruncated, "\(capacity)")
          #expect(message.credentials == nil, "\(capacity)")
        }
        try left.sendMessage("bytes")
        let space = Socket.ControlMessage.space(forBytes: 12)
        let (message, _) = try receive(right, capacity: space)
        #expect(space == 32 && !message.isControlTruncated && message.credentials == .own)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a capacity out of range is refused`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (_, right) = try Socket.pair()
        for capacity in [-1, Int.min, .max] {
          let error = try failure { _ = try receive(right, capacity: capacity) }
          #expect(error.code == .invalidArgument && error.description.contains("\(capacity)"))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram brings its hop limit, which can be set for one`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for (left, right) in try loopbackPairs {
          let family = try left.option(.family)
          if family == .inet {
            try right.setOption(.receiveHopLimit, true)
            try left.setOption(.timeToLive, 7)
          } else {
            try right.setOption(.ipv6ReceiveHopLimit, true)
            try left.setOption(.hopLimit, 7)
          }
          let address = try right.localAddress
          try left.sendMessage("x", to: address)
          #expect(try receive(right).message.control.compactMap(\.hopLimit) == [7])
          try left.sendMessage("x", control: [.hopLimit(9, family)], to: address)
          #expect(try receive(right).message.control.compactMap(\.hopLimit) == [9])
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram brings its destination and interface`(on backend: BackendUnderTest) throws {
      try backend.run {
        for (left, right) in try loopbackPairs {
          let host = try #require(try right.localAddress.host)
          let isInet = try right.option(.family) == .inet
          try right.setOption(
            isInet ? .receivePacketInformation : .ipv6ReceivePacketInformation, true)
          try left.sendMessage("x", to: right.localAddress)
          let (message, _) = try receive(right)
          let information = try #require(message.control.compactMap(\.packetInformation).first)
          #expect(information.address.host == host && information.address.port == 0)
          #expect(information.interface == if_nametoindex("lo"))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the scope of an address is its interface`(on backend: BackendUnderTest) throws {
      try backend.run {
        for (host, scope) in [("fe80::1", 3), ("ff02::1", 3), ("ff0e::1", 0)] as [(_, UInt32)] {
          let address = try Socket.Address.inet6(host, port: 0, scope: scope)
          let information = Socket.PacketInformation(address: address)
          let message = Socket.ControlMessage.packetInformation(information)
          #expect(message.packetInformation?.interface == scope)
          #expect(message.packetInformation?.address == address)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the space for control data is refused and not computed wrongly`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let socket = try inetDatagramSocket()
        let none = Socket.ControlMessage.space(forBytes: 0)
        #expect(none == 16 && Socket.ControlMessage.space(forDescriptors: 2) == 24)
        #expect(Socket.ControlMessage.space(forBytes: -24) == none)
        #expect(Socket.ControlMessage.space(forDescriptors: .min) == none)
        let tooMuch = [
          Socket.ControlMessage.space(forBytes: .max),
          Socket.ControlMessage.space(forDescriptors: .max),
        ]
        for capacity in tooMuch {
          var bytes = [UInt8](repeating: 0, count: 1)
          let error = try failure {
            _ = try socket.receiveMessage(into: &bytes, controlCapacity: capacity, timeout: .zero)
          }
          #expect(error.code == .invalidArgument)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram can leave from an address of one's choice`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let sender = try datagramSocket(.inet("0.0.0.0", port: 0))
        let receiver = try inetDatagramSocket()
        let source = Socket.PacketInformation(address: try .inet("127.0.0.77", port: 0))
        try sender.sendMessage(
          "x", control: [.packetInformation(source)], to: receiver.localAddress)
        #expect(try receive(receiver).message.sender?.host == "127.0.0.77")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram brings its type of service and its time`(on backend: BackendUnderTest) throws {
      try backend.run {
        for (left, right) in try loopbackPairs {
          let isInet = try right.option(.family) == .inet
          try right.setOption(isInet ? .receiveTypeOfService : .ipv6ReceiveTrafficClass, true)
          try left.setOption(isInet ? .typeOfService : .trafficClass, 0x48)
          try right.setOption(.timestamp, true)
          let before = wallClock()
          try left.sendMessage("x", to: right.localAddress)
          let (message, _) = try receive(right)
          #expect(message.control.compactMap(\.typeOfService) == [0x48])
          let arrival = try #require(message.control.compactMap(\.timestamp).first)
          #expect(arrival >= before - .seconds(1) && arrival <= wallClock() + .seconds(1))
        }
      }
    }

    /// The time since 1970, as the kernel stamps packets: time(2) lags where the tick is late.
    private func wallClock() -> Duration {
      var time = timespec()
      clock_gettime(CLOCK_REALTIME, &time)
      return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `control data of any kind can be sent and received`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        // IP_RECVTTL and IP_TTL by their numbers.
        try right.setOption(SocketOption<Bool>(level: 0, name: 12), true)
        let hops = withUnsafeBytes(of: CInt(33)) { [UInt8]($0) }
        let control = Socket.ControlMessage(level: 0, type: 2, bytes: hops)
        try left.sendMessage("x", control: [control], to: right.localAddress)
        #expect(try receive(right).message.control == [control])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `control data that the kernel does not know is an error`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let address = try right.localAddress
        let unknown = Socket.ControlMessage(level: 0, type: 99, bytes: [1, 2, 3])
        let error = try failure { try left.sendMessage("x", control: [unknown], to: address) }
        #expect(error.isSystem(EINVAL))
        #expect(error.description.hasPrefix("sendMessage to \(address) from socket \(left.number)"))
        #expect(try failure { _ = try receive(right, timeout: .zero) }.code == .timeout)
      }
    }
  }
}
