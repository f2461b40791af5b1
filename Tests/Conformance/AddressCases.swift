import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `Socket.Address`: as text, its errors, and through the kernel.
  @Suite struct Addresses {
    // MARK: As text

    @Test(arguments: BackendUnderTest.selected)
    func `an IPv4 address prints as host and port and parses back`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let address = try Socket.Address.inet("192.168.0.1", port: 8080)
        #expect(address.description == "192.168.0.1:8080")
        #expect(try Socket.Address(parsing: address.description) == address)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an IPv6 address prints in brackets and parses back`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let address = try Socket.Address.inet6("2001:db8::17", port: 443)
        #expect(address.description == "[2001:db8::17]:443")
        #expect(Socket.Address(address.description) == address)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an IPv6 address prints in its shortest form`(on backend: BackendUnderTest) throws {
      try backend.run {
        let address = try Socket.Address.inet6("0:0:0:0:0:0:0:1", port: 1)
        #expect(address.description == "[::1]:1")
        #expect(try address == .inet6("::1", port: 1))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an IPv6 address keeps its numeric scope`(on backend: BackendUnderTest) throws {
      try backend.run {
        let address = try Socket.Address.inet6("fe80::1%7", port: 80)
        #expect(address.host == "fe80::1%7")
        #expect(address.description == "[fe80::1%7]:80")
        #expect(try Socket.Address(parsing: "[fe80::1%7]:80") == address)
        #expect(try Socket.Address.inet6("fe80::1", port: 80) != address)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the name of an interface is a scope`(on backend: BackendUnderTest) throws {
      try backend.run {
        let number = try #require(if_nametoindex("lo") > 0 ? if_nametoindex("lo") : nil)
        let address = try Socket.Address.inet6("fe80::1%lo", port: 80)
        #expect(address.host == "fe80::1%\(number)")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a path prints with the word unix and parses back`(on backend: BackendUnderTest) throws {
      try backend.run {
        let address = try Socket.Address.unix(path: "/run/some socket:1")
        #expect(address.description == "unix:/run/some socket:1")
        #expect(try Socket.Address(parsing: address.description) == address)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an abstract name prints with an at sign and parses back`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let address = try Socket.Address.unix(abstract: "some/name")
        #expect(address.description == "unix:@some/name")
        #expect(try Socket.Address(parsing: address.description) == address)
        #expect(try address != .unix(path: "some/name"))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a path that begins with an at sign parses back to a path`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let address = try Socket.Address.unix(path: "@name")
        let copy = try Socket.Address(parsing: address.description)
        #expect(copy.abstractName == nil)
        #expect(copy.path?.hasSuffix("@name") == true)
      }
    }

    // MARK: Errors

    @Test(arguments: BackendUnderTest.selected)
    func `a name instead of a number is refused and not looked up`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let error = try failure { _ = try Socket.Address.inet("localhost", port: 80) }
        #expect(error.code == .invalidArgument)
        #expect(error.description.contains("localhost"))
        #expect(error.description.contains("not looked up"))
        #expect(
          try failure { _ = try Socket.Address.inet6("ip6-localhost", port: 80) }.code
            == .invalidArgument)
      }
    }

    @Test(
      arguments: BackendUnderTest.selected,
      [
        "", " ", "127.0.0", "127.0.0.1.1", "256.0.0.1", "127.0.0.-1", "127.1", "::1", "1.2.3.4 ",
        "1.2.3.4\0", "1.2.3.4\0.example",
      ])
    func `what is no IPv4 address is refused`(on backend: BackendUnderTest, host: String) throws {
      try backend.run {
        #expect(
          errorCode { _ = try Socket.Address.inet(host, port: 80) } == .invalidArgument)
      }
    }

    @Test(
      arguments: BackendUnderTest.selected,
      [
        "", ":", "1::2::3", "g::1", "127.0.0.1", "[::1]", "::1%", "::1%no-such-interface", "::1\0",
        "::1 ", "fe80::1%-1", "fe80::1%4294967296", "::1\0%1", "%1",
      ])
    func `what is no IPv6 address is refused`(on backend: BackendUnderTest, host: String) throws {
      try backend.run {
        #expect(
          errorCode { _ = try Socket.Address.inet6(host, port: 80) } == .invalidArgument)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [-1, 65_536, .max, .min])
    func `a port beyond 16 bits is refused`(on backend: BackendUnderTest, port: Int) throws {
      try backend.run {
        let error = try failure { _ = try Socket.Address.inet("127.0.0.1", port: port) }
        #expect(error.code == .invalidArgument)
        #expect(error.description.contains("\(port)"))
        #expect(
          errorCode { _ = try Socket.Address.inet6("::1", port: port) } == .invalidArgument)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `ports 0 and 65535 are allowed`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (low, high) = try (
          Socket.Address.inet("127.0.0.1", port: 0), Socket.Address.inet6("::1", port: 65_535)
        )
        #expect(low.port == 0 && high.port == 65_535)
      }
    }

    @Test(
      arguments: BackendUnderTest.selected, ["", "a\0b", "\0a", String(repeating: "x", count: 109)])
    func `a path that the kernel can't take is refused`(
      on backend: BackendUnderTest, path: String
    ) throws {
      try backend.run {
        #expect(errorCode { _ = try Socket.Address.unix(path: path) } == .invalidArgument)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a path is measured in bytes and not in characters`(on backend: BackendUnderTest) throws {
      try backend.run {
        let longest = String(repeating: "é", count: 54)
        let address = try Socket.Address.unix(path: longest)
        #expect(address.path == longest)
        #expect(
          errorCode { _ = try Socket.Address.unix(path: longest + "é") } == .invalidArgument)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an abstract name has 0 to 107 bytes`(on backend: BackendUnderTest) throws {
      try backend.run {
        let longest = String(repeating: "x", count: 107)
        #expect(try Socket.Address.unix(abstract: longest).abstractName == longest)
        let empty = try Socket.Address.unix(abstract: "")
        #expect(empty.description == "unix:@")
        #expect(Socket.Address("unix:@") == empty && empty != .unixUnnamed)
        let error = try failure { _ = try Socket.Address.unix(abstract: longest + "x") }
        #expect(error.code == .invalidArgument)
      }
    }

    @Test(
      arguments: BackendUnderTest.selected,
      [
        "", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+80", "127.0.0.1:-0", "[fe80::1%+1]:1", "127.0.0.1: 80", "[::1]", "[::1]:",
        "::1:80", "[::1:80", "localhost:80",
        "unix", "unix:a\0b",
      ])
    func `text that is no address is refused`(on backend: BackendUnderTest, text: String) throws {
      try backend.run {
        #expect(Socket.Address(text) == nil)
        #expect(errorCode { _ = try Socket.Address(parsing: text) } == .invalidArgument)
      }
    }

    // MARK: Parts

    @Test(arguments: BackendUnderTest.selected)
    func `an address tells the parts that it has`(on backend: BackendUnderTest) throws {
      try backend.run {
        let inet = try Socket.Address(parsing: "10.1.2.3:4")
        #expect(inet.family == .inet && inet.host == "10.1.2.3" && inet.port == 4)
        #expect(inet.path == nil && inet.abstractName == nil)
        let inet6 = try Socket.Address(parsing: "[::]:5")
        #expect(inet6.family == .inet6 && inet6.host == "::" && inet6.port == 5)
        #expect(inet6.path == nil && inet6.abstractName == nil)
        let path = try Socket.Address(parsing: "unix:/x")
        #expect(path.family == .unix && path.path == "/x" && path.abstractName == nil)
        #expect(path.host == nil && path.port == nil)
        let abstract = try Socket.Address(parsing: "unix:@x")
        #expect(abstract.family == .unix && abstract.abstractName == "x" && abstract.path == nil)
        #expect(abstract.host == nil && abstract.port == nil)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `equal addresses are one key of a set`(on backend: BackendUnderTest) throws {
      try backend.run {
        let texts = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "[::1]:1", "unix:x", "unix:@x"]
        let once = try Set(texts.map { try Socket.Address(parsing: $0) })
        #expect(once.count == texts.count)
        #expect(try once.union(texts.map { try Socket.Address(parsing: $0) }) == once)
      }
    }

    // MARK: Through the kernel

    @Test(
      arguments: BackendUnderTest.selected, [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1")])
    func `a bound socket has the host and a free port`(
      on backend: BackendUnderTest, names: (text: String, host: String)
    ) throws {
      try backend.run {
        let address = try Socket.Address(parsing: names.text)
        let socket = try Coroutine.socket(address.family, .stream)
        try socket.bind(to: address)
        let local = try socket.localAddress
        #expect(local.family == address.family && local.host == names.host)
        let port = try #require(local.port)
        #expect(port > 0)
        // The very address again: it is taken, as is right.
        let other = try Coroutine.socket(address.family, .stream)
        #expect(try failure { try other.bind(to: local) }.isSystem(EADDRINUSE))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a bound socket has its path, up to the longest`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          for path in [
            scratch.path("s"), scratch.path("107", length: 107), scratch.path("108", length: 108),
          ] {
            let address = try Socket.Address.unix(path: path)
            let socket = try Coroutine.socket(.unix, .stream)
            try socket.bind(to: address)
            #expect(try socket.localAddress == address)
            try socket.listen()
            let client = try connected(to: socket)
            #expect(try client.remoteAddress.path == path)
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a bound socket has its abstract name, zero bytes and all`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let unique = uniqueName()
        let longest = unique + String(repeating: "x", count: 107 - unique.utf8.count)
        for name in ["", unique, "\(unique)\0more", longest] {
          let address = try Socket.Address.unix(abstract: name)
          let socket = try Coroutine.socket(.unix, .datagram)
          let code = errorCode { try socket.bind(to: address) }
          // There is one empty name on the whole machine: somebody may have it.
          if name.isEmpty, code == .system { continue }
          #expect(code == nil)
          #expect(try socket.localAddress == address)
          #expect(try socket.localAddress.abstractName == name)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a Unix socket that was not bound has no name`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.unix, .stream)
        let address = try socket.localAddress
        #expect(address.family == .unix && address.path == nil && address.abstractName == nil)
        #expect(address.description == "unix:")
        #expect(Socket.Address("unix:") == address)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `binding to no name lets the kernel choose an abstract one`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let socket = try Coroutine.socket(.unix, .datagram)
        try socket.bind(to: Socket.Address(parsing: "unix:"))
        #expect(try socket.localAddress.abstractName?.utf8.count == 5)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `binding to an address of another machine fails`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        let error = try failure { try socket.bind(to: .inet("203.0.113.1", port: 1)) }
        #expect(error.isSystem(EADDRNOTAVAIL))
        #expect(error.call == "bind" && error.operands == "to 203.0.113.1:1")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `binding to an address of another family fails`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet6, .stream)
        let error = try failure { try socket.bind(to: .inet("127.0.0.1", port: 0)) }
        #expect(error.code == .system)
      }
    }
  }
}
