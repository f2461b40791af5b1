import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Datagram sockets: each packet alone, whole, in order, with its sender's address.
  @Suite struct Datagrams {
    /// Two bound datagram sockets of each family.
    private func forEachPair(_ body: (Socket, Socket) throws -> Void) throws {
      try Scratch.with { scratch in
        let addresses: [(Socket.Address, Socket.Address)] = [
          (try .inet("127.0.0.1", port: 0), try .inet("127.0.0.1", port: 0)),
          (try .inet6("::1", port: 0), try .inet6("::1", port: 0)),
          (try .unix(path: scratch.path("a")), try .unix(path: scratch.path("b"))),
          (try .unix(abstract: uniqueName()), try .unix(abstract: uniqueName())),
        ]
        for (left, right) in addresses {
          try body(try datagramSocket(left), try datagramSocket(right))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram arrives with its sender's address, and can be answered`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachPair { left, right in
          var buffer = [UInt8](repeating: 0, count: 64)
          #expect(try left.send("hello", to: right.localAddress) == 5)
          let (count, sender) = try right.receiveFrom(into: &buffer)
          #expect(buffer[..<count] == ArraySlice("hello".utf8))
          #expect(try sender == left.localAddress)
          try right.send("there", to: sender)
          let (length, answerer) = try left.receiveFrom(into: &buffer)
          #expect(buffer[..<length] == ArraySlice("there".utf8))
          #expect(try answerer == right.localAddress)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a receiver waits for its datagram`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachPair { left, right in
          let receiver = spawn {
            var buffer = [UInt8](repeating: 0, count: 64)
            let (count, sender) = try right.receiveFrom(into: &buffer)
            return (Array(buffer[..<count]), sender)
          }
          #expect(!receiver.hasEnded)
          try left.send("late", to: right.localAddress)
          let (bytes, sender) = try receiver.value()
          #expect(bytes == Array("late".utf8))
          #expect(try sender == left.localAddress)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the sender without a name is the unnamed address`(on backend: BackendUnderTest) throws {
      try backend.run {
        let server = try datagramSocket(.unix(abstract: uniqueName()))
        let client = try Coroutine.socket(.unix, .datagram)
        try client.send("x", to: server.localAddress)
        var buffer = [UInt8](repeating: 0, count: 8)
        let (count, sender) = try server.receiveFrom(into: &buffer)
        #expect(count == 1)
        #expect(sender == Socket.Address("unix:"))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connected datagram socket sends and hears its peer alone`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right, stranger) = (
          try inetDatagramSocket(), try inetDatagramSocket(), try inetDatagramSocket()
        )
        try left.connect(to: right.localAddress)
        #expect(try left.remoteAddress == right.localAddress)
        try stranger.send("not you", to: left.localAddress)
        try right.send("you", to: left.localAddress)
        #expect(try left.receiveText() == "you")
        #expect(try left.send("to the peer") == 11)
        #expect(try right.receiveText() == "to the peer")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram socket can be connected anew`(on backend: BackendUnderTest) throws {
      try backend.run {
        let left = try inetDatagramSocket()
        for right in [try inetDatagramSocket(), try inetDatagramSocket()] {
          try left.connect(to: right.localAddress)
          try left.sendAll("hello")
          #expect(try right.receiveText() == "hello")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connected socket hears that nobody is at the port`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let address = try right.localAddress
        try left.connect(to: address)
        let receiver = spawn { try left.receiveText() }
        #expect(!receiver.hasEnded)
        try right.close()
        try left.sendAll("anybody?")
        #expect(try receiver.error().isSystem(ECONNREFUSED))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an empty datagram is 0 and not the end`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachPair { left, right in
          try left.send("", to: right.localAddress)
          try left.send("after", to: right.localAddress)
          var buffer = [UInt8](repeating: 0, count: 8)
          let (count, sender) = try right.receiveFrom(into: &buffer)
          #expect(count == 0)
          #expect(try sender == left.localAddress)
          #expect(try right.receiveText() == "after")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram longer than the buffer loses its end`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachPair { left, right in
          try left.send("abcdef", to: right.localAddress)
          try left.send("next", to: right.localAddress)
          var buffer = [UInt8](repeating: 0, count: 3)
          #expect(try right.receiveFrom(into: &buffer).count == 3)
          #expect(buffer == Array("abc".utf8))
          #expect(try right.receiveText() == "next")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `datagrams arrive in order, one a call`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachPair { left, right in
          let address = try right.localAddress
          for number in 0..<8 { try left.send("\(number)", to: address) }
          for number in 0..<8 { #expect(try right.receiveText() == "\(number)") }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `every waiting receiver gets a datagram of its own`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachPair { left, right in
          let address = try right.localAddress
          let receivers = (0..<4).map { _ in spawn { try right.receiveText() } }
          for number in 0..<4 { try left.send("\(number)", to: address) }
          #expect(try receivers.map { try $0.value() }.sorted() == ["0", "1", "2", "3"])
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a full Unix queue makes an unconnected sender wait`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let server = try datagramSocket(.unix(abstract: uniqueName()))
        let address = try server.localAddress
        let client = try Coroutine.socket(.unix, .datagram)
        // The queue takes net.unix.max_dgram_qlen, 10 by default and 512 at most in practice.
        let sender = spawn { for number in 0..<2_000 { try client.send("\(number)", to: address) } }
        #expect(!sender.hasEnded)
        for number in 0..<2_000 { #expect(try server.receiveText() == "\(number)") }
        try sender.value()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a sender waits too where others have filled the Unix queue`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let server = try datagramSocket(.unix(abstract: uniqueName()))
        let address = try server.localAddress
        let filler = try Coroutine.socket(.unix, .datagram)
        var count = 0
        while errorCode({ try filler.send("full", to: address, timeout: .zero) }) == nil {
          count += 1
        }
        // Nothing of the sender's own is in the queue, so that nothing tells it of room.
        let client = try Coroutine.socket(.unix, .datagram)
        let sender = spawn { try client.send("late", to: address) }
        try settle()
        #expect(!sender.hasEnded)
        for _ in 0..<count { #expect(try server.receiveText() == "full") }
        #expect(try server.receiveText(timeout: .seconds(10)) == "late")
        #expect(try sender.value() == 4)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a full Unix queue makes a connected sender wait`(on backend: BackendUnderTest) throws {
      try backend.run {
        for isPair in [true, false] {
          let (client, server) =
            if isPair {
              try Coroutine.socketPair(.datagram)
            } else {
              (
                try Coroutine.socket(.unix, .datagram),
                try datagramSocket(.unix(abstract: uniqueName()))
              )
            }
          if !isPair { try client.connect(to: server.localAddress) }
          let sender = spawn { for number in 0..<2_000 { try client.sendAll("\(number)") } }
          #expect(!sender.hasEnded)
          for number in 0..<2_000 { #expect(try server.receiveText() == "\(number)") }
          try sender.value()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what was sent before a change of the socket was sent before it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (first, second) = (try inetDatagramSocket(), try inetDatagramSocket())
        let sender = try Coroutine.socket(.inet, .datagram)
        try sender.connect(to: first.localAddress)
        let sending = (1...3).map { number in spawn { try sender.sendAll("\(number)") } }
        try sender.connect(to: second.localAddress)
        for sending in sending { try sending.value() }
        for number in 1...3 {
          #expect(try first.receiveText(timeout: .seconds(10)) == "\(number)")
        }
        try Transport.forEachPair { transport, client, server in
          let last = ["the ", "last ", "words"].map { word in spawn { try client.sendAll(word) } }
          try client.shutdown(.sending)
          for last in last { try last.value() }
          #expect(try server.receiveExactly(100) == Array("the last words".utf8), "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what waited for room in a full queue arrives as it was sent`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let message = "a message"
        let sends: [(Socket) throws -> Void] = [
          { _ = try $0.send(message) },
          { try $0.sendAll(message) },
          { try $0.sendMessage(message) },
          { _ = try $0.send(vectored: [Array("a ".utf8), Array("message".utf8)]) },
        ]
        for send in sends {
          let receiver = try datagramSocket(.unix(abstract: uniqueName()))
          let named = try Coroutine.socket(.unix, .datagram)
          try named.connect(to: receiver.localAddress)
          let pairs = [
            (named, receiver), try Coroutine.socketPair(.datagram),
            try Coroutine.socketPair(.seqpacket),
          ]
          for (client, server) in pairs {
            var count = 0
            while errorCode({ _ = try client.send("x", timeout: .zero) }) == nil { count += 1 }
            let waiting = spawn { try send(client) }
            try settle()
            #expect(!waiting.hasEnded)
            for _ in 0..<count { #expect(try server.receiveText() == "x") }
            try waiting.value()
            #expect(try server.receiveText() == message)
            #expect(errorCode { _ = try server.receiveText(timeout: .zero) } == .timeout)
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a sender that waits for a full Unix queue can time out`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let server = try datagramSocket(.unix(abstract: uniqueName()))
        let address = try server.localAddress
        let client = try Coroutine.socket(.unix, .datagram)
        var sent = 0
        for timeout in [Duration.zero, .milliseconds(3)] {
          let error = try failure {
            while true {
              try client.send("\(sent)", to: address, timeout: timeout)
              sent += 1
            }
          }
          #expect(error.code == .timeout && error.call == "send")
        }
        for number in 0..<sent { #expect(try server.receiveText() == "\(number)") }
        #expect(try failure { _ = try server.receiveText(timeout: .zero) }.code == .timeout)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a message that is too long is an error`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let bytes = [UInt8](repeating: 0, count: 70_000)
        let address = try right.localAddress
        let error = try failure { try left.send(bytes, to: address) }
        #expect(error.isSystem(EMSGSIZE))
        #expect(error.description.hasPrefix("send to \(address) from socket \(left.number): "))
        try left.send(bytes[..<60_000], to: address)
        var buffer = [UInt8](repeating: 1, count: 70_000)
        #expect(try right.receiveFrom(into: &buffer).count == 60_000)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram without a destination is an error`(on backend: BackendUnderTest) throws {
      try backend.run {
        for family in [Socket.Family.inet, .unix] {
          let socket = try Coroutine.socket(family, .datagram)
          let error = try failure { _ = try socket.send("x") }
          #expect(error.isSystem(EDESTADDRREQ) || error.isSystem(ENOTCONN))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram to a path that does not exist is an error`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Scratch.with { scratch in
          let socket = try Coroutine.socket(.unix, .datagram)
          let address = try Socket.Address.unix(path: scratch.path())
          #expect(try failure { try socket.send("x", to: address) }.isSystem(ENOENT))
        }
      }
    }
  }
}
