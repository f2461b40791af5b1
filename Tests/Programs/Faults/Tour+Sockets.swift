import CTestSupport
import Coroutines
@preconcurrency import Glibc

extension Tour {
  func sockets() {
    step("tcp") { try echo(at: .inet("127.0.0.1", port: 0)) }
    step("tcp6") { try echo(at: .inet6("::1", port: 0)) }
    step("unix") { try echo(at: .unix(abstract: "coroutines-tour-\(getpid())")) }
    step("refused") {
      let closed = try listener(at: .inet("127.0.0.1", port: 0))
      let address = try closed.localAddress
      try closed.close()
      let socket = try Coroutine.socket(.inet, .stream)
      defer { note { try socket.close() } }
      do {
        try socket.connect(to: address)
      } catch let error as CoroutineError where error.errno?.rawValue == ECONNREFUSED {
        return "refused"
      }
      return "connected"
    }
    step("adopted-listener") { try adoptedListener() }
  }

  func moreSockets() {
    step("pair") {
      let (left, right) = try Coroutine.socketPair()
      var received = 0
      both {
        defer { self.note { try right.close() } }
        var buffer = [UInt8](repeating: 0, count: 10_000)
        while case let count = try right.receive(into: &buffer), count > 0 { received += count }
      } _: {
        defer { note { try left.close() } }
        try left.sendAll(pattern(600_000))
      }
      return "\(received)"
    }
    step("udp") { try datagrams(.inet("127.0.0.1", port: 0)) }
    step("unix-datagrams") {
      try datagrams(.unix(abstract: "coroutines-tour-datagrams-\(getpid())"))
    }
    step("options") {
      let socket = try Coroutine.socket(.inet, .stream)
      defer { note { try socket.close() } }
      try socket.setOption(.keepAlive, true)
      let isKept = try socket.option(.keepAlive)
      return "\(isKept) \(try socket.option(.isListening))"
    }
    step("detach") {
      let (left, right) = try Coroutine.socketPair(.datagram)
      defer { note { try right.close() } }
      let again = try adopt(try left.detach().rawValue, Socket.init(adopting:))
      defer { note { try again.close() } }
      let sent = try again.send(pattern(10))
      var buffer = [UInt8](repeating: 0, count: 20)
      return "\(sent) \(try right.receive(into: &buffer))"
    }
    step("dropped") {
      _ = try Coroutine.socketPair()
      return "closed by nobody"
    }
  }

  private func listener(at address: Socket.Address) throws -> Socket {
    let listener = try Coroutine.socket(address.family, .stream)
    do {
      if address.family != .unix { try listener.setOption(.reuseAddress, true) }
      try listener.bind(to: address)
      try listener.listen(backlog: 8)
      return listener
    } catch {
      note { try listener.close() }
      throw error
    }
  }

  private func echo(at address: Socket.Address) throws -> String {
    let listener = try listener(at: address)
    let address: Socket.Address
    do { address = try listener.localAddress } catch {
      note { try listener.close() }
      throw error
    }
    var answer = ""
    both {
      defer { self.note { try listener.close() } }
      let peer = try listener.accept()
      defer { self.note { try peer.close() } }
      var buffer = [UInt8](repeating: 0, count: 20_000)
      while case let count = try peer.receive(into: &buffer), count > 0 {
        try peer.sendAll(buffer[..<count])
      }
    } _: {
      defer { note { try listener.close() } }
      answer = try rounds(with: address)
    }
    return answer
  }

  /// Sends and receives, with buffers so small that both wait.
  private func rounds(with address: Socket.Address) throws -> String {
    let socket = try Coroutine.socket(address.family, .stream)
    defer { note { try socket.close() } }
    try socket.setOption(.sendBufferSize, 8_192)
    try socket.connect(to: address)
    guard try socket.remoteAddress == address else { return "another peer" }
    let bytes = pattern(50_000)
    var received: [UInt8] = []
    for _ in 0..<3 {
      try socket.sendAll(bytes)
      var buffer = [UInt8](repeating: 0, count: 30_000)
      var missing = bytes.count
      while missing > 0 {
        let count = try socket.receive(into: &buffer)
        if count == 0 { return "the end came early" }
        missing -= count
        received += buffer[..<count]
      }
    }
    try socket.shutdown(.sending)
    var buffer = [UInt8](repeating: 0, count: 10)
    let end = try socket.receive(into: &buffer)
    return "\(received == bytes + bytes + bytes) \(end)"
  }

  /// A listener in blocking mode, which somebody else made.
  private func adoptedListener() throws -> String {
    let made = try listener(at: .inet("127.0.0.1", port: 0))
    let address: Socket.Address
    let descriptor: CInt
    do {
      address = try made.localAddress
      descriptor = try made.detach().rawValue
    } catch {
      note { try made.close() }
      throw error
    }
    test_make_blocking(descriptor)
    let listener = try adopt(descriptor, Socket.init(adopting:))
    var answer = ""
    both {
      defer { self.note { try listener.close() } }
      let peer = try listener.accept()
      defer { self.note { try peer.close() } }
      try peer.sendAll("hello")
    } _: {
      defer { note { try listener.close() } }
      let socket = try Coroutine.socket(.inet, .stream)
      defer { note { try socket.close() } }
      try socket.connect(to: address)
      var buffer = [UInt8](repeating: 0, count: 20)
      answer = "\(try socket.receive(into: &buffer))"
    }
    return answer
  }

  private func datagrams(_ address: Socket.Address) throws -> String {
    let server = try Coroutine.socket(address.family, .datagram)
    defer { note { try server.close() } }
    try server.bind(to: address)
    let address = try server.localAddress
    var sizes: [Int] = []
    both {
      defer { self.note { try server.close() } }
      var buffer = [UInt8](repeating: 0, count: 2_000)
      for _ in 0..<20 {
        let (count, _) = try server.receiveFrom(into: &buffer, timeout: .milliseconds(500))
        sizes.append(count)
      }
    } _: {
      let client = try Coroutine.socket(address.family, .datagram)
      defer { note { try client.close() } }
      for size in 1...20 { try client.send(pattern(size), to: address) }
    }
    return "\(sizes.reduce(0, +))"
  }
}
