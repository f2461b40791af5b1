import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Connections that are under way, refused, begun twice, or not wanted any more.
  @Suite struct Connecting {
    /// A listener whose backlog is full, so that a connection to it stays under way.
    private func fullListener() throws -> (listener: Socket, queue: [Socket]) {
      let listener = try inetListener(backlog: 0)
      let address = try listener.localAddress
      var queue: [Socket] = []
      while queue.count < 64 {
        let socket = try Coroutine.socket(.inet, .stream)
        queue.append(socket)
        if errorCode({ try socket.connect(to: address, timeout: .milliseconds(5)) }) != nil {
          break
        }
      }
      return (listener, queue)
    }

    /// Accepts until `isOver`; the kernel repeats what it asked of a full listener after a second.
    private func accept(on listener: Socket, until isOver: () -> Bool) throws -> [Socket] {
      var accepted: [Socket] = []
      while !isOver() {
        do throws(CoroutineError) {
          accepted.append(try listener.accept(timeout: .milliseconds(20)))
        } catch {
          guard error.code == .timeout else { throw error }
        }
      }
      return accepted
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connection that is shut down while it is under way is not made`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (listener, queue) = try fullListener()
        let socket = try Coroutine.socket(.inet, .stream)
        let address = try listener.localAddress
        let connecting = spawn { try socket.connect(to: address) }
        try settle()
        #expect(!connecting.hasEnded)
        try socket.shutdown(.both)
        #expect(try connecting.error().isSystem(ECONNRESET))
        withExtendedLifetime((listener, queue)) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram socket is given its peer, and takes leave of it, past those who wait`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let receivers = try (0..<2).map { _ in
          let socket = try Coroutine.socket(.unix, .datagram)
          try socket.bind(to: .unix(abstract: uniqueName()))
          return socket
        }
        let sender = try Coroutine.socket(.unix, .datagram)
        try sender.connect(to: receivers[0].localAddress)
        while errorCode({ _ = try sender.send("x", timeout: .zero) }) == nil {}
        let waiting = spawn { _ = try sender.send("y") }
        try settle()
        #expect(!waiting.hasEnded)
        try sender.connect(to: receivers[1].localAddress)
        try waiting.value()
        let heard = try receivers[1].receiveText()
        #expect(heard == "y")
        while errorCode({ _ = try sender.send("x", timeout: .zero) }) == nil {}
        let last = spawn { _ = try sender.send("z") }
        try settle()
        #expect(!last.hasEnded)
        try sender.disconnect()
        #expect(try last.error().isSystem(ENOTCONN))
        withExtendedLifetime(receivers) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connection that timed out can be waited for again`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (listener, queue) = try fullListener()
        let address = try listener.localAddress
        let late = try #require(queue.last)
        for timeout in [Duration.zero, .milliseconds(2)] {
          let error = try failure { try late.connect(to: address, timeout: timeout) }
          #expect(error.code == .timeout && error.call == "connect")
        }
        let waiter = spawn { try late.connect(to: address, timeout: .seconds(30)) }
        #expect(!waiter.hasEnded)
        let accepted = try accept(on: listener) { waiter.hasEnded }
        try waiter.value()
        #expect(try late.remoteAddress == address)
        try late.sendAll("at last")
        withExtendedLifetime((queue, accepted)) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connection that timed out can be closed`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (listener, queue) = try fullListener()
        let late = try #require(queue.last)
        try late.close()
        #expect(late.isClosed)
        for _ in queue.dropLast() { _ = try listener.accept(timeout: .seconds(10)) }
        #expect(try failure { _ = try listener.accept(timeout: .milliseconds(2)) }.code == .timeout)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the second of two that connect one socket is told`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (listener, queue) = try fullListener()
        let address = try listener.localAddress
        let socket = try Coroutine.socket(.inet, .stream)
        let first = spawn { try socket.connect(to: address) }
        let second = spawn { try socket.connect(to: address) }
        #expect(!first.hasEnded && !second.hasEnded)
        let accepted = try accept(on: listener) { first.hasEnded && second.hasEnded }
        try first.value()
        #expect(try second.error().isSystem(EISCONN))
        withExtendedLifetime((queue, accepted)) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `after a refusal the same socket can connect`(on backend: BackendUnderTest) throws {
      try backend.run {
        let listener = try inetListener()
        let address = try listener.localAddress
        try listener.close()
        let socket = try Coroutine.socket(.inet, .stream)
        #expect(try failure { try socket.connect(to: address) }.isSystem(ECONNREFUSED))
        #expect(try socket.option(.pendingError) == 0)
        let next = try inetListener()
        try socket.connect(to: next.localAddress)
        try socket.sendAll("x")
        #expect(try next.accept().receiveText() == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what can't be reached is an error`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        let address = try Socket.Address.inet("255.255.255.255", port: 9)
        let error = try failure { try socket.connect(to: address) }
        #expect(error.isSystem(ENETUNREACH) || error.isSystem(EACCES))
        #expect(error.description.hasPrefix("connect to 255.255.255.255:9: "))
        let other = try failure { try socket.connect(to: .inet6("::1", port: 9)) }
        #expect(other.isSystem(EAFNOSUPPORT))
      }
    }

    // MARK: Datagrams

    @Test(arguments: BackendUnderTest.selected)
    func `a datagram socket without its peer hears everybody again`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for host in ["127.0.0.1", "[::1]"] {
          let make = { (port: Int) throws -> Socket in
            try datagramSocket(Socket.Address(parsing: "\(host):\(port)"))
          }
          let (peer, stranger, placeholder) = (try make(0), try make(0), try make(0))
          // Bound to a number of one's own: one that the kernel chose goes with the peer.
          let port = try #require(try placeholder.localAddress.port)
          try placeholder.close()
          let socket = try make(port)
          let address = try socket.localAddress
          try socket.connect(to: peer.localAddress)
          try stranger.send("unheard", to: address)
          try socket.disconnect()
          #expect(try failure { _ = try socket.remoteAddress }.isSystem(ENOTCONN))
          #expect(try failure { _ = try socket.send("x") }.isSystem(EDESTADDRREQ))
          #expect(try socket.localAddress == address)
          try stranger.send("heard", to: address)
          #expect(try socket.receiveText() == "heard")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a Unix datagram socket can be connected, disconnected and connected`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let socket = try Coroutine.socket(.unix, .datagram)
        for _ in 0..<2 {
          let peer = try datagramSocket(.unix(abstract: uniqueName()))
          try socket.connect(to: peer.localAddress)
          try socket.sendAll("x")
          #expect(try peer.receiveText() == "x")
          try socket.disconnect()
          #expect(try failure { _ = try socket.send("x") }.isSystem(ENOTCONN))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who sends to a port where nobody is hears of it at the next call`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let address = try right.localAddress
        try left.connect(to: address)
        try right.close()
        #expect(try left.send("anybody?") == 8)
        #expect(try failure { _ = try left.send("anybody?") }.isSystem(ECONNREFUSED))
        #expect(try left.send("anybody?") == 8)
        #expect(
          try failure { _ = try left.receiveText(timeout: .seconds(10)) }.isSystem(ECONNREFUSED))
        // Told once: somebody is there now.
        let back = try datagramSocket(address)
        try left.sendAll("hello")
        #expect(try back.receiveText() == "hello")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an unconnected socket does not hear that nobody is there`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let address = try right.localAddress
        try right.close()
        for _ in 0..<3 { #expect(try left.send("anybody?", to: address) == 8) }
        #expect(
          try failure { _ = try left.receiveText(timeout: .milliseconds(1)) }.code == .timeout)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a Unix datagram socket hears that its peer has closed`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let peer = try datagramSocket(.unix(abstract: uniqueName()))
        let address = try peer.localAddress
        let socket = try Coroutine.socket(.unix, .datagram)
        try socket.connect(to: address)
        try peer.close()
        #expect(try failure { _ = try socket.send("x") }.isSystem(ECONNREFUSED))
        #expect(try failure { try socket.send("x", to: address) }.isSystem(ECONNREFUSED))
      }
    }

    // MARK: Conveniences

    @Test(arguments: BackendUnderTest.selected)
    func `a server and a connection are made with one call each`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for address in [
          try Socket.Address.inet("127.0.0.1", port: 0), try .inet6("::1", port: 0),
          try .unix(abstract: uniqueName()),
        ] {
          let server = try Coroutine.createServer(at: address)
          #expect(try server.option(.isListening))
          let client = try Coroutine.createConnection(
            to: server.localAddress, timeout: .seconds(10))
          try client.sendAll("x")
          #expect(try server.accept().receiveText() == "x")
          if address.family != .unix { #expect(try server.option(.reuseAddress)) }
          if address.family == .inet6 { #expect(try server.option(.ipv6Only)) }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a dual-stack server hears both families`(on backend: BackendUnderTest) throws {
      try backend.run {
        let server = try Coroutine.createServer(at: .inet6("::", port: 0), isDualStack: true)
        let port = try #require(try server.localAddress.port)
        let old = try Coroutine.createConnection(to: .inet("127.0.0.1", port: port))
        #expect(try server.accept().remoteAddress.host == "::ffff:127.0.0.1")
        let new = try Coroutine.createConnection(to: .inet6("::1", port: port))
        #expect(try server.accept().remoteAddress.host == "::1")
        withExtendedLifetime((old, new)) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connection can be made from an address of one's choice`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let server = try Coroutine.createServer(at: .inet("127.0.0.1", port: 0))
        let client = try Coroutine.createConnection(
          to: server.localAddress, from: .inet("127.0.0.9", port: 0))
        #expect(try client.localAddress.host == "127.0.0.9")
        #expect(try server.accept().remoteAddress == client.localAddress)
        let address = try server.localAddress
        try server.close()
        let error = try failure { _ = try Coroutine.createConnection(to: address) }
        #expect(error.isSystem(ECONNREFUSED) && error.call == "connect")
      }
    }
  }
}
