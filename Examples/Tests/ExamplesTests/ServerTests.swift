import CoroutineConformance
import Glibc
import Testing

extension Conformance {
  /// The examples that serve connections, with clients that know nothing of the library.
  @Suite struct Servers {
    // MARK: echo-server

    @Test(arguments: permittedBackends)
    func `echo-server sends a mebibyte back to each of several clients`(
      on backend: String
    ) throws {
      let server = try ChildProcess("echo-server", "127.0.0.1:0", on: backend)
      let port = try server.listeningPort()
      let failures = onThreads(6) { number in try expectEcho(port, 1 << 20, seed: number) }
      #expect(failures == [])
      server.send(SIGTERM)
      #expect(try server.waitForExit() == 0)
    }

    @Test(arguments: permittedBackends)
    func `echo-server outlives clients that vanish`(on backend: String) throws {
      let server = try ChildProcess("echo-server", "127.0.0.1:0", on: backend)
      let port = try server.listeningPort()
      for number in 0..<20 {
        let client = try Client(port: port)
        try client.send(pattern(100_000, seed: number))
        client.resetAtEnd()
      }
      #expect(onThreads(2) { number in try expectEcho(port, 100_000, seed: number) } == [])
      server.send(SIGINT)
      #expect(try server.waitForExit() == 0)
    }

    @Test(arguments: permittedBackends)
    func `echo-server ends at once although clients are connected`(on backend: String) throws {
      let path = temporaryPath("echo")
      let server = try ChildProcess("echo-server", "unix:\(path)", on: backend)
      #expect(try server.nextLine() == "listening on unix:\(path)")
      server.send(SIGTERM)
      #expect(try server.waitForExit() == 0)
      #expect(access(path, F_OK) != 0, "the socket's file was left behind")

      let tcp = try ChildProcess("echo-server", "127.0.0.1:0", on: backend)
      let client = try Client(port: try tcp.listeningPort())
      try client.send("x")
      #expect(try client.receive(1) == [UInt8]("x".utf8))
      tcp.send(SIGTERM)
      #expect(try tcp.waitForExit() == 0)
    }

    // MARK: proxy

    @Test(arguments: permittedBackends)
    func `proxy carries bytes both ways, and each direction's end`(on backend: String) throws {
      let server = try ChildProcess("echo-server", "127.0.0.1:0", on: backend)
      let target = "127.0.0.1:\(try server.listeningPort())"
      let proxy = try ChildProcess("proxy", "127.0.0.1:0", target, on: backend)
      let port = try proxy.listeningPort()
      #expect(onThreads(4) { number in try expectEcho(port, 1 << 20, seed: number) } == [])
      proxy.send(SIGTERM)
      #expect(try proxy.waitForExit() == 0)
      server.send(SIGTERM)
      #expect(try server.waitForExit() == 0)
    }

    @Test(arguments: permittedBackends)
    func `proxy carries 200 connections at once`(on backend: String) throws {
      let server = try ChildProcess("echo-server", "127.0.0.1:0", on: backend)
      let target = "127.0.0.1:\(try server.listeningPort())"
      let proxy = try ChildProcess("proxy", "127.0.0.1:0", target, on: backend)
      let port = try proxy.listeningPort()
      let clients = try (0..<200).map { _ in try Client(port: port) }
      for round in 0..<3 {
        for (number, client) in clients.enumerated() {
          try client.send(pattern(500, seed: number * 3 + round))
        }
        for (number, client) in clients.enumerated() {
          #expect(try client.receive(500) == pattern(500, seed: number * 3 + round))
        }
      }
      for client in clients { client.endSending() }
      for client in clients { #expect(try client.receive() == []) }
    }

    @Test(arguments: permittedBackends)
    func `an error of one connection leaves the proxy's others alone`(
      on backend: String
    ) throws {
      let server = try ChildProcess("echo-server", "127.0.0.1:0", on: backend)
      let target = "127.0.0.1:\(try server.listeningPort())"
      let proxy = try ChildProcess("proxy", "127.0.0.1:0", target, on: backend)
      let port = try proxy.listeningPort()
      let steady = try Client(port: port)
      try steady.send("before")
      #expect(try steady.receive(6) == [UInt8]("before".utf8))
      for number in 0..<20 {
        let client = try Client(port: port)
        try client.send(pattern(50_000, seed: number))
        client.resetAtEnd()
      }
      try steady.send("after")
      #expect(try steady.receive(5) == [UInt8]("after".utf8))

      // And when the target is gone, a new connection ends, and the proxy does not.
      server.send(SIGTERM)
      #expect(try server.waitForExit() == 0)
      for _ in 0..<2 { #expect(try Client(port: port).receive() == []) }
      proxy.send(SIGTERM)
      #expect(try proxy.waitForExit() == 0)
    }

    // MARK: chat

    @Test(arguments: permittedBackends)
    func `chat gives everybody the others' lines`(on backend: String) throws {
      let server = try ChildProcess("chat", "127.0.0.1:0", on: backend)
      let port = try server.listeningPort()
      let ada = try enter(port, as: "ada")
      let ben = try enter(port, as: "ben")
      #expect(try ada.nextLine() == "* ben is here")

      try ada.send("hello\n")
      #expect(try ben.nextLine() == "ada: hello")
      // Lines come in whatever pieces the network makes of them. When a later line of another
      // client has come through, the server has the piece.
      try ben.send("how a")
      try ada.send("one\n")
      #expect(try ben.nextLine() == "ada: one")
      try ben.send("re you?\r\nfine ")
      try ada.send("two\n")
      #expect(try ben.nextLine() == "ada: two")
      try ben.send("here\n")
      #expect(try ada.nextLine() == "ben: how are you?")
      #expect(try ada.nextLine() == "ben: fine here")

      ben.endSending()
      #expect(try ada.nextLine() == "* ben has left")
      #expect(try ben.receive() == [])
    }

    @Test(arguments: permittedBackends)
    func `chat names who gives no name by the address`(on backend: String) throws {
      let server = try ChildProcess("chat", "127.0.0.1:0", on: backend)
      let port = try server.listeningPort()
      let ada = try enter(port, as: "ada")
      let other = try enter(port, as: "")
      #expect(try ada.nextLine().hasPrefix("* 127.0.0.1:"))
      try other.send("me\n")
      #expect(try ada.nextLine().hasPrefix("127.0.0.1:"))
    }

    @Test(arguments: permittedBackends)
    func `chat throws out who does not read, and nobody waits`(on backend: String) throws {
      let server = try ChildProcess("chat", "127.0.0.1:0", on: backend)
      let port = try server.listeningPort()
      let ada = try enter(port, as: "ada")
      let ben = try enter(port, as: "ben")
      #expect(try ada.nextLine() == "* ben is here")
      let sleeper = try enter(port, as: "sleeper")
      #expect(try ada.nextLine() == "* sleeper is here")
      #expect(try ben.nextLine() == "* sleeper is here")

      let line = String(repeating: "z", count: 3_000)
      var leftAt: Int?
      for number in 0..<20_000 where leftAt == nil {
        try ada.send(line + "\n")
        var heard = try ben.nextLine()
        if heard == "* sleeper has left" {
          leftAt = number
          heard = try ben.nextLine()
        }
        #expect(heard == "ada: " + line)
      }
      #expect(leftAt != nil)
      withExtendedLifetime(sleeper) {}
    }

    private func enter(_ port: UInt16, as name: String) throws -> Client {
      let client = try Client(port: port)
      #expect(try client.nextLine() == "Welcome. Your name?")
      try client.send(name + "\n")
      return client
    }
  }
}

/// Sends so many bytes and ends sending while another thread receives: all come back, then the end.
private func expectEcho(_ port: UInt16, _ count: Int, seed: Int) throws {
  let client = try Client(port: port)
  let bytes = pattern(count, seed: seed)
  let failures = onThreads(2) { part in
    if part == 0 {
      try client.send(bytes)
      client.endSending()
    } else {
      let received = try client.receive()
      try #require(received == bytes, "\(received.count) of \(bytes.count) bytes, or others, came")
    }
  }
  try #require(failures == [])
}
