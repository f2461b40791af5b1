import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Groups of receivers, on the loopback interface.
  @Suite struct Multicast {
    private static let hosts = ["239.77.1.2", "ff02::77:12"]

    private func address(_ host: String, port: Int = 0) throws -> Socket.Address {
      try host.contains(":") ? .inet6("\(host)%lo", port: port) : .inet(host, port: port)
    }

    /// A socket on a free port that hears the group, several of them on one port.
    private func member(of host: String, port: Int = 0) throws -> Socket {
      let any = host.contains(":") ? "::" : "0.0.0.0"
      let socket = try Coroutine.socket(host.contains(":") ? .inet6 : .inet, .datagram)
      try socket.setOption(.reuseAddress, true)
      try socket.bind(to: host.contains(":") ? .inet6(any, port: port) : .inet(any, port: port))
      try socket.joinGroup(address(host), interface: "lo")
      return socket
    }

    private func sender(to host: String) throws -> Socket {
      let socket = try Coroutine.socket(host.contains(":") ? .inet6 : .inet, .datagram)
      try socket.setMulticastInterface("lo")
      return socket
    }

    @Test(arguments: BackendUnderTest.selected, hosts)
    func `every member of a group hears what is sent to it`(
      on backend: BackendUnderTest, host: String
    ) throws {
      try backend.run {
        let first = try member(of: host)
        let port = try #require(try first.localAddress.port)
        let second = try member(of: host, port: port)
        let waiting = spawn { try second.receiveText(timeout: .seconds(10)) }
        try sender(to: host).send("hello", to: address(host, port: port))
        #expect(try first.receiveText(timeout: .seconds(10)) == "hello")
        #expect(try waiting.value() == "hello")
      }
    }

    @Test(arguments: BackendUnderTest.selected, hosts)
    func `who has left a group hears no more`(on backend: BackendUnderTest, host: String) throws {
      try backend.run {
        let first = try member(of: host)
        let port = try #require(try first.localAddress.port)
        let second = try member(of: host, port: port)
        try second.leaveGroup(address(host), interface: "lo")
        if !host.contains(":") { try second.setOption(.multicastAll, false) }
        try sender(to: host).send("hello", to: address(host, port: port))
        #expect(try first.receiveText(timeout: .seconds(10)) == "hello")
        #expect(try failure { _ = try second.receiveText(timeout: .zero) }.code == .timeout)
        let error = try failure { try second.leaveGroup(address(host), interface: "lo") }
        #expect(error.isSystem(EADDRNOTAVAIL) && error.call == "leaveGroup")
      }
    }

    @Test(arguments: BackendUnderTest.selected, hosts)
    func `a group is joined once, and must be one`(
      on backend: BackendUnderTest, host: String
    ) throws {
      try backend.run {
        let socket = try member(of: host)
        let again = try failure { try socket.joinGroup(address(host), interface: "lo") }
        #expect(again.isSystem(EADDRINUSE) && again.description.hasPrefix("joinGroup \(host)"))
        let loopback = host.contains(":") ? "::1" : "127.0.0.1"
        let noGroup = try failure { try socket.joinGroup(address(loopback), interface: "lo") }
        #expect(noGroup.isSystem(EINVAL))
        let error = try failure { try socket.joinGroup(address(host), interface: "nowhere") }
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
        let socket = try member(of: host)
        let port = try #require(try socket.localAddress.port)
        let sender = try sender(to: host)
        let option: SocketOption<Bool> = host.contains(":") ? .ipv6MulticastLoop : .multicastLoop
        #expect(try sender.option(option))
        try sender.setOption(option, false)
        #expect(try !sender.option(option))
        try sender.setOption(option, true)
        try sender.send("hello", to: address(host, port: port))
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
