import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `close()`, `detach()` and the end by `deinit`: who is woken, and what becomes of the number.
  @Suite struct Closing {
    // MARK: Waking

    @Test(arguments: BackendUnderTest.selected)
    func `close wakes who receives`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let receiver = spawn { try server.receiveText() }
          #expect(!receiver.hasEnded)
          try server.close()
          let error = try receiver.error()
          #expect(error.code == .closed && error.call == "receive", "\(transport)")
          #expect(error.description.hasSuffix("the descriptor is closed"))
          #expect(try client.receiveText() == "", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `close wakes who sends`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, _ in
          _ = try client.fill()
          let sender = spawn { try client.sendAll("more") }
          #expect(!sender.hasEnded)
          try client.close()
          let error = try sender.error()
          #expect(error.code == .closed && error.call == "sendAll", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `close wakes who accepts`(on backend: BackendUnderTest) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          let acceptor = spawn { try listener.accept() }
          #expect(!acceptor.hasEnded)
          try listener.close()
          let error = try acceptor.error()
          #expect(error.code == .closed && error.call == "accept")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `close wakes who connects`(on backend: BackendUnderTest) throws {
      try backend.run {
        for listener in [try inetListener(backlog: 0), try unixListener(backlog: 0)] {
          let first = try connected(to: listener)
          let address = try listener.localAddress
          let socket = try Coroutine.socket(address.family, .stream)
          let connector = spawn { try socket.connect(to: address) }
          #expect(!connector.hasEnded)
          try socket.close()
          let error = try connector.error()
          #expect(error.code == .closed && error.call == "connect")
          try first.close()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `close wakes who reads and who writes a pipe`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let reading = spawn { try reader.readText() }
        #expect(!reading.hasEnded)
        try reader.close()
        #expect(try reading.error().code == .closed)
        try writer.close()
        let (otherReader, otherWriter) = try Coroutine.pipe()
        _ = try otherWriter.fill()
        let writing = spawn { try otherWriter.writeAll("more") }
        #expect(!writing.hasEnded)
        try otherWriter.close()
        let error = try writing.error()
        #expect(error.code == .closed && error.call == "writeAll")
        try otherReader.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `close wakes everyone, in both directions`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        _ = try left.fill()
        let receivers = (0..<5).map { _ in spawn { _ = try left.receiveText() } }
        let senders = (0..<5).map { _ in spawn { try left.sendAll("more") } }
        try left.close()
        for waiting in receivers + senders { #expect(try waiting.error().code == .closed) }
        try right.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `whoever is woken by close can't touch the number any more`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        var codes: [CoroutineError.Code?] = []
        let receiver = spawn {
          for _ in 0..<3 { codes.append(errorCode { _ = try left.receiveText() }) }
        }
        try left.close()
        try receiver.value()
        #expect(codes == [.closed, .closed, .closed])
        try right.close()
      }
    }

    // MARK: Afterwards

    @Test(arguments: BackendUnderTest.selected)
    func `every call on a closed socket fails`(on backend: BackendUnderTest) throws {
      try backend.run {
        let socket = try Coroutine.socket(.inet, .stream)
        let address = try Socket.Address.inet("127.0.0.1", port: 0)
        #expect(!socket.isClosed)
        try socket.close()
        #expect(socket.isClosed)
        var buffer = [UInt8](repeating: 0, count: 8)
        let calls: [(String, () throws -> Void)] = [
          ("receive", { _ = try socket.receive(into: &buffer) }),
          ("receiveFrom", { _ = try socket.receiveFrom(into: &buffer) }),
          ("send", { _ = try socket.send("x") }), ("sendAll", { try socket.sendAll("x") }),
          ("send", { try socket.send("x", to: address) }),
          ("accept", { _ = try socket.accept() }),
          ("connect", { try socket.connect(to: address) }),
          ("bind", { try socket.bind(to: address) }), ("listen", { try socket.listen() }),
          ("shutdown", { try socket.shutdown(.both) }),
          ("localAddress", { _ = try socket.localAddress }),
          ("remoteAddress", { _ = try socket.remoteAddress }),
          ("option", { _ = try socket.option(.keepAlive) }),
          ("option", { _ = try socket.option(.timeToLive) }),
          ("setOption", { try socket.setOption(.keepAlive, true) }),
          ("setOption", { try socket.setOption(.timeToLive, 1) }),
          ("detach", { _ = try socket.detach() }),
          ("receive", { _ = try socket.receive(into: &buffer, timeout: .zero) }),
        ]
        for (name, call) in calls {
          let error = try failure(call)
          #expect(error.code == .closed && error.call == name)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `every call on a closed pipe fails`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        try reader.close()
        try writer.close()
        #expect(reader.isClosed && writer.isClosed)
        #expect(try failure { _ = try reader.readText() }.code == .closed)
        #expect(try failure { _ = try writer.write("x") }.code == .closed)
        #expect(try failure { try writer.writeAll("x", timeout: .zero) }.code == .closed)
        #expect(try failure { _ = try writer.detach() }.code == .closed)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `closing twice is fine and closes nobody else's descriptor`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let number = reader.number
        try reader.close()
        #expect(!isOpen(number))
        let reused = fcntl(writer.number, F_DUPFD, number)
        #expect(reused == number)
        try reader.close()
        #expect(isOpen(number))
        Glibc.close(reused)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the last reference's end closes the descriptor`(on backend: BackendUnderTest) throws {
      try backend.run {
        var numbers: [CInt] = []
        // Once untouched and once after a wait, which a backend may have registered.
        for hasWaited in [false, true] {
          do {
            let (left, right) = try Coroutine.socketPair()
            let (reader, writer) = try Coroutine.pipe()
            numbers = [left.number, right.number, reader.number, writer.number]
            #expect(numbers.allSatisfy(isOpen))
            if hasWaited {
              for timeout in [Duration.zero, .microseconds(100)] {
                #expect(errorCode { _ = try right.receiveText(timeout: timeout) } == .timeout)
                #expect(errorCode { _ = try reader.readText(timeout: timeout) } == .timeout)
              }
            }
          }
          #expect(!numbers.contains(where: isOpen))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a peer sees the end when the last reference goes`(on backend: BackendUnderTest) throws {
      try backend.run {
        var (left, right): (Socket?, Socket) = try Coroutine.socketPair()
        let receiver = spawn { try right.receiveText() }
        #expect(!receiver.hasEnded)
        #expect(left != nil)
        left = nil
        #expect(try receiver.value() == "")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `detach leaves the descriptor open, for plain calls`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let waiting = spawn { try reader.readText() }
        let descriptor = try reader.detach()
        #expect(try waiting.error().code == .closed)
        #expect(reader.isClosed)
        try writer.writeAll("plain")
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(Glibc.read(descriptor.rawValue, &buffer, 8) == 5)
        Glibc.close(descriptor.rawValue)
        let (left, right) = try Coroutine.socketPair()
        let number = try left.detach().rawValue
        #expect(Glibc.write(number, "plain", 5) == 5)
        #expect(try right.receiveText() == "plain")
        Glibc.close(number)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a detached descriptor outlives its object and can be adopted again`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        var number: CInt = -1
        do {
          let end = try PipeEnd(adopting: .init(rawValue: dup(writer.number)))
          number = try end.detach().rawValue
        }
        #expect(isOpen(number))
        let again = try PipeEnd(adopting: .init(rawValue: number))
        try again.writeAll("again")
        #expect(try reader.readText() == "again")
      }
    }

    // MARK: Reused numbers

    @Test(arguments: BackendUnderTest.selected)
    func `a reused number wakes nobody who waits for the new one`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        // Somebody else in this process may take the number first; not in every round.
        var reused = 0
        for _ in 0..<500 {
          let (old, oldPeer) = try Coroutine.socketPair()
          // A duplicate keeps the old socket, and what a backend registered for it, alive.
          let duplicate = dup(old.number)
          defer { Glibc.close(duplicate) }
          let first = spawn { try old.receiveText() }
          try oldPeer.sendAll("a")
          try first.value()
          let parked = spawn { try old.receiveText() }
          let oldNumber = old.number
          try old.close()
          #expect(try parked.error().code == .closed)
          // The number goes to a new socket, while data flow on the old one.
          let (new, newPeer) = try Coroutine.socketPair()
          if new.number == oldNumber { reused += 1 }
          let waiting = spawn { try new.receiveText() }
          try oldPeer.sendAll("old")
          try Coroutine.sleep(0)
          #expect(!waiting.hasEnded)
          try newPeer.sendAll("new")
          #expect(try waiting.value() == "new")
          try new.close()
        }
        #expect(reused > 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a socket that returns to its number can be waited on again`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (old, peer) = try Coroutine.socketPair()
        let number = old.number
        let receiver = spawn { try old.receiveText() }
        try peer.sendAll("first")
        try receiver.value()
        let duplicate = dup(number)
        try old.close()
        // The same open file under the same number: only a backend that forgot it at close, and
        // made the kernel forget it, can wait for it anew.
        #expect(dup2(duplicate, number) == number)
        let new = try Socket(adopting: .init(rawValue: number))
        let waiting = spawn { try new.receiveText() }
        #expect(!waiting.hasEnded)
        try peer.sendAll("second")
        #expect(try waiting.value() == "second")
        Glibc.close(duplicate)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what was known of a number does not pass on to its next owner`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        // The first owner found nothing to read, the next one has something.
        for close in [{ (end: Socket) throws in try end.close() }, { _ = try $0.detach() }] {
          let (old, oldPeer) = try Coroutine.socketPair()
          let number = old.number
          #expect(errorCode { _ = try old.receiveText(timeout: .milliseconds(1)) } == .timeout)
          try close(old)
          if isOpen(number) { Glibc.close(number) }
          let (new, newPeer) = try Coroutine.socketPair()
          #expect(new.number == number)
          try newPeer.sendAll("x")
          #expect(try new.receiveText(timeout: .zero) == "x")
          try oldPeer.close()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `data in flight at close are not received by the next owner`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for _ in 0..<100 {
          let (old, oldPeer) = try Coroutine.socketPair()
          let parked = spawn { try old.receiveText() }
          try oldPeer.sendAll("old")
          // It may still get what was sent before the close, but nobody else does.
          try old.close()
          let (new, newPeer) = try Coroutine.socketPair()
          let waiting = spawn { try new.receiveText() }
          try newPeer.sendAll("new")
          #expect(try waiting.value() == "new")
          let heard = try? parked.value()
          #expect(heard == nil || heard == "old")
        }
      }
    }
  }
}
