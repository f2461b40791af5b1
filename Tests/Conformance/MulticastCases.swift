import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Groups of receivers, on the loopback interface.
  @Suite struct Multicast {
    /// The IPv6 group is the machine's own: its packets leave no interface.
    private static let hosts = ["239.77.1.2", "ff01::77:12"]

    /// A group on an interface that carries multicast, and sockets for it.
    private struct Group {
      let host: String
      let interface: String

      /// Loopback for IPv4; for IPv6 the first interface with a route for groups, if there is one.
      init?(_ host: String) throws {
        self.host = host
        guard host.contains(":") else {
          interface = "lo"
          return
        }
        let names = (1..<UInt32(64)).compactMap { number -> String? in
          var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
          return if_indextoname(number, &name).map { String(cString: $0) }
        }
        let carrier = try names.first { name in
          let socket = try Coroutine.socket(.inet6, .datagram)
          try socket.setMulticastInterface(name)
          return errorCode { try socket.send("?", to: .inet6("\(host)%\(name)", port: 9)) } == nil
        }
        guard let carrier else { return nil }
        interface = carrier
      }

      private var isInet6: Bool { host.contains(":") }

      func address(port: Int = 0) throws -> Socket.Address {
        try isInet6 ? .inet6("\(host)%\(interface)", port: port) : .inet(host, port: port)
      }

      /// A socket that hears the group; several of them may have one port.
      func member(port: Int = 0) throws -> Socket {
        let socket = try Coroutine.socket(isInet6 ? .inet6 : .inet, .datagram)
        try socket.setOption(.reuseAddress, true)
        try socket.bind(to: isInet6 ? .inet6("::", port: port) : .inet("0.0.0.0", port: port))
        try socket.joinGroup(address(), interface: interface)
        return socket
      }

      func sender() throws -> Socket {
        let socket = try Coroutine.socket(isInet6 ? .inet6 : .inet, .datagram)
        try socket.setMulticastInterface(interface)
        return socket
      }
    }

    @Test(arguments: BackendUnderTest.selected, hosts)
    func `every member of a group hears what is sent to it`(
      on backend: BackendUnderTest, host: String
    ) throws {
      try backend.run {
        guard let group = try Group(host) else { return }
        let first = try group.member()
        let port = try #require(try first.localAddress.port)
        let second = try group.member(port: port)
        let waiting = spawn { try second.receiveText(timeout: .seconds(10)) }
        try group.sender().send("hello", to: group.address(port: port))
        #expect(try first.receiveText(timeout: .seconds(10)) == "hello")
        #expect(try waiting.value() == "hello")
      }
    }

    @Test(arguments: BackendUnderTest.selected, hosts)
    func `who has left a group hears no more`(on backend: BackendUnderTest, host: String) throws {
      try backend.run {
        guard let group = try Group(host) else { return }
        let first = try group.member()
        let port = try #require(try first.localAddress.port)
        let second = try group.member(port: port)
        try second.leaveGroup(group.address(), interface: group.interface)
        // Else it goes on hearing what others of this machine have joined.
        try second.setOption(host.contains(":") ? .ipv6MulticastAll : .multicastAll, false)
        try group.sender().send("hello", to: group.address(port: port))
        #expect(try first.receiveText(timeout: .seconds(10)) == "hello")
        #expect(try failure { _ = try second.receiveText(timeout: .zero) }.code == .timeout)
        let error = try failure {
          try second.leaveGroup(group.address(), interface: group.interface)
        }
        #expect(error.isSystem(EADDRNOTAVAIL) && error.call == "leaveGroup")
      }
    }

    @Test(arguments: BackendUnderTest.selected, hosts)
    func `a group is joined once, and must be one`(
      on backend: BackendUnderTest, host: String
    ) throws {
      try backend.run {
        guard let group = try Group(host) else { return }
        let socket = try group.member()
        let again = try failure {
          try socket.joinGroup(group.address(), interface: group.interface)
        }
        #expect(again.isSystem(EADDRINUSE) && again.description.hasPrefix("joinGroup \(host)"))
        let loopback = host.contains(":") ? "[::1]:0" : "127.0.0.1:0"
        let noGroup = try failure {
          try socket.joinGroup(Socket.Address(parsing: loopback), interface: group.interface)
        }
        #expect(noGroup.isSystem(EINVAL))
        let error = try failure { try socket.joinGroup(group.address(), interface: "nowhere") }
        #expect(error.code == .invalidArgument && error.description.contains("nowhere"))
        let other = try failure { try socket.setMulticastInterface("nowhere") }
        #expect(other.code == .invalidArgument)
      }
    }

    @Test(arguments: BackendUnderTest.selected, hosts)
    func `without the loop this machine does not hear itself`(
      on backend: BackendUnderTest, host: String
    ) throws {
      try backend.run {
        guard let group = try Group(host) else { return }
        let socket = try group.member()
        let port = try #require(try socket.localAddress.port)
        let sender = try group.sender()
        let option: SocketOption<Bool> = host.contains(":") ? .ipv6MulticastLoop : .multicastLoop
        #expect(try sender.option(option))
        try sender.setOption(option, false)
        #expect(try !sender.option(option))
        // The loopback interface brings everything back, whatever the option says.
        if group.interface != "lo" { try sender.send("unheard", to: group.address(port: port)) }
        try sender.setOption(option, true)
        try sender.send("hello", to: group.address(port: port))
        #expect(try socket.receiveText(timeout: .seconds(10)) == "hello")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a member can pick the source`(on backend: BackendUnderTest) throws {
      try backend.run {
        let group = try Socket.Address.inet("232.77.1.2", port: 0)
        let socket = try Coroutine.socket(.inet, .datagram)
        try socket.bind(to: .inet("0.0.0.0", port: 0))
        try socket.joinGroup(group, interface: "lo", source: .inet("127.0.0.2", port: 0))
        let port = try #require(try socket.localAddress.port)
        for host in ["127.0.0.3", "127.0.0.2"] {
          let sender = try datagramSocket(.inet(host, port: 0))
          try sender.setMulticastInterface("lo")
          try sender.send(host, to: .inet("232.77.1.2", port: port))
        }
        #expect(try socket.receiveText(timeout: .seconds(10)) == "127.0.0.2")
        #expect(try failure { _ = try socket.receiveText(timeout: .zero) }.code == .timeout)
        try socket.leaveGroup(group, interface: "lo", source: .inet("127.0.0.2", port: 0))
      }
    }
  }
}
