import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Names at their edges: bytes that are no text, the longest, those that the kernel chooses.
  @Suite struct Names {
    /// Calls `body` with a socket that is bound to the name, and one that is connected to it.
    private func connected(
      _ address: Socket.Address, _ body: (Socket, Socket) throws -> Void
    ) throws {
      let listener = try Coroutine.socket(.unix, .stream)
      try listener.bind(to: address)
      try listener.listen()
      let client = try Coroutine.socket(.unix, .stream)
      try client.connect(to: address)
      try body(try listener.accept(), client)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an abstract name has any bytes, zeros at its edges too`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let unique = Array(uniqueName().utf8)
        for name in [unique + [0], [0, 0] + unique + [0, 0, 0], unique + [0xff, 0xfe, 0, 0x80]] {
          let address = try Socket.Address.unix(abstractBytes: name)
          #expect(address.abstractBytes == name && address.path == nil)
          try connected(address) { server, client in
            let (local, remote) = (try server.localAddress, try client.remoteAddress)
            #expect(local.abstractBytes == name && remote == address)
          }
        }
        // A zero at the end makes another name.
        let socket = try datagramSocket(.unix(abstractBytes: unique))
        _ = try datagramSocket(.unix(abstractBytes: unique + [0]))
        let again = try failure { _ = try datagramSocket(.unix(abstractBytes: unique)) }
        #expect(again.isSystem(EADDRINUSE))
        withExtendedLifetime(socket) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `names out of range are refused`(on backend: BackendUnderTest) throws {
      try backend.run {
        let longest = [UInt8](repeating: 1, count: 107)
        let address = try Socket.Address.unix(abstractBytes: longest)
        #expect(address.abstractBytes == longest)
        let error = caught { () throws(CoroutineError) in
          try Socket.Address.unix(abstractBytes: longest + [1])
        }
        #expect(error?.code == .invalidArgument)
        for path in [longest + [1, 1], [1, 0, 1], []] {
          let error = caught { () throws(CoroutineError) in
            try Socket.Address.unix(pathBytes: path)
          }
          #expect(error?.code == .invalidArgument)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a path of 108 bytes is seen from every side`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          for length in [106, 107, 108] {
            let path = scratch.path("\(length)", length: length)
            let address = try Socket.Address.unix(path: path)
            try connected(address) { server, client in
              let (local, remote) = (try server.localAddress, try client.remoteAddress)
              #expect(local.path == path && remote.path == path)
              // What the file system calls it.
              var status = stat()
              #expect(lstat(path, &status) == 0)
              #expect(status.st_mode & S_IFMT == S_IFSOCK)
            }
            let sender = try datagramSocket(.unix(path: scratch.path("d\(length)", length: length)))
            let receiver = try datagramSocket(.unix(abstract: uniqueName()))
            try sender.send("x", to: receiver.localAddress)
            var buffer = [UInt8](repeating: 0, count: 8)
            let (_, name) = try receiver.receiveFrom(into: &buffer)
            #expect(name.path?.utf8.count == length)
            try receiver.send("back", to: name)
            let message = try sender.receiveMessage(into: &buffer)
            #expect(message.count == 4)
            #expect(try message.sender == receiver.localAddress)
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a path need not be UTF-8`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          let path = Array(scratch.path("a").utf8) + [0xff, 0x20, 0xfe]
          try connected(.unix(pathBytes: path)) { server, client in
            let (local, remote) = (try server.localAddress, try client.remoteAddress)
            #expect(local.pathBytes == path && remote.pathBytes == path)
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a socket bound to no name can be answered`(on backend: BackendUnderTest) throws {
      try backend.run {
        #expect(Socket.Address.unixUnnamed == Socket.Address("unix:"))
        let sockets = try (0..<2).map { _ in try datagramSocket(.unixUnnamed) }
        let names = try sockets.map { try $0.localAddress }
        #expect(names[0] != names[1])
        for name in names { #expect(name.abstractBytes?.count == 5) }
        try sockets[0].send("x", to: names[1])
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(try sockets[1].receiveFrom(into: &buffer).sender == names[0])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who passes credentials is given a name`(on backend: BackendUnderTest) throws {
      try backend.run {
        let listener = try unixListener()
        let client = try Coroutine.socket(.unix, .stream)
        try client.setOption(.passCredentials, true)
        try client.connect(to: listener.localAddress)
        #expect(try client.localAddress.abstractBytes?.count == 5)
        #expect(try listener.accept().remoteAddress == client.localAddress)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an unconnected Unix stream tells no peer, and a pair has no names`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let socket = try Coroutine.socket(.unix, .stream)
        #expect(try failure { _ = try socket.remoteAddress }.isSystem(ENOTCONN))
        let (left, right) = try Socket.pair()
        for end in [left, right] {
          #expect(try end.localAddress == .unixUnnamed && end.remoteAddress == .unixUnnamed)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an IPv6 address keeps its scope and flow`(on backend: BackendUnderTest) throws {
      try backend.run {
        let address = try Socket.Address.inet6(
          "fe80::1", port: 80, flowInformation: 0x12345, scope: 7)
        #expect(address.scope == 7 && address.flowInformation == 0x12345)
        #expect(address.host == "fe80::1%7" && address.description == "[fe80::1%7]:80")
        #expect(try address != .inet6("fe80::1%7", port: 80))
        #expect(try Socket.Address.inet6("fe80::1%7", port: 80, scope: 3).scope == 7)
        #expect(try Socket.Address.inet("10.0.0.1", port: 1).scope == 0)
        // The kernel keeps no scope where it means nothing.
        let socket = try datagramSocket(.inet6("::1", port: 0, scope: if_nametoindex("lo")))
        #expect(try socket.localAddress.host == "::1")
      }
    }
  }
}
