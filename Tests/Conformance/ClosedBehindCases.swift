import CLinux
import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// Numbers that close(2), dup2(2) and the like took away without telling the library.
  @Suite struct ClosedBehind {
    /// A socket that receives, sends and waits in vain.
    private struct Stale {
      let socket: Socket
      let peer: Socket
      let waiting: [Spawned<Void>]

      init() throws {
        let (socket, peer) = try Coroutine.socketPair()
        _ = try socket.fill()
        waiting = [
          spawn { _ = try socket.receiveText() }, spawn { _ = try socket.receiveText() },
          spawn { try socket.sendAll("more") }, spawn { try socket.sendAll("more") },
          spawn { try socket.waitReadable() }, spawn { try socket.waitWritable() },
        ]
        self.socket = socket
        self.peer = peer
        try settle()
        #expect(waiting.allSatisfy { !$0.hasEnded })
      }

      func expectBadDescriptor(sourceLocation: SourceLocation = #_sourceLocation) throws {
        for waiter in waiting {
          #expect(
            try waiter.error(sourceLocation: sourceLocation).isSystem(EBADF),
            sourceLocation: sourceLocation)
        }
      }
    }

    // MARK: The number is another's

    @Test(arguments: BackendUnderTest.selected, [false, true])
    func `whoever waits on a number that a new socket has got hears of it`(
      on backend: BackendUnderTest, isDuplicated: Bool
    ) throws {
      try backend.run {
        let stale = try Stale()
        let number = stale.socket.number
        let duplicate = isDuplicated ? dup(number) : -1
        Glibc.close(number)
        let (new, newPeer) = try socketPair(at: number)
        let receiver = spawn { try new.receiveText() }
        let waiting = spawn { try new.waitReadable() }
        try stale.expectBadDescriptor()
        // Both are the kernel's before the bytes come: a later look may find them taken.
        try settle()
        #expect(!receiver.hasEnded && !waiting.hasEnded)
        try newPeer.sendAll("new")
        #expect(try receiver.value() == "new")
        #expect(try waiting.value() == .readable)
        if isDuplicated {
          // The former file lives, and what happens to it concerns nobody.
          _ = try stale.peer.fill()
          try settle()
          Glibc.close(duplicate)
        }
        let again = spawn { try new.receiveText() }
        try newPeer.sendAll("again")
        #expect(try again.value() == "again")
        // The former object's number is the new one's: it must not close it.
        _ = try stale.socket.detach()
        try new.sendAll("x")
        #expect(try newPeer.receiveText() == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a number that a pipe, an eventfd or a file has got works`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let makers: [() throws -> CInt] = [
          {
            var ends: [CInt] = [-1, -1]
            _ = coro_pipe2(&ends, O_CLOEXEC)
            #expect(Glibc.write(ends[1], "12345678", 8) == 8)
            Glibc.close(ends[1])
            return ends[0]
          },
          { eventfd(1, CInt(EFD_CLOEXEC)) },
          { open("/dev/zero", O_RDONLY | O_CLOEXEC) },
        ]
        for make in makers {
          let stale = try Stale()
          let number = stale.socket.number
          Glibc.close(number)
          move(try make(), to: number)
          let end = try PipeEnd(adopting: FileDescriptor(number))
          #expect(try end.readBytes(8).count == 8)
          try stale.expectBadDescriptor()
          _ = try stale.socket.detach()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what was a file or a device becomes a socket`(on backend: BackendUnderTest) throws {
      try backend.run {
        let former = try PipeEnd(adopting: FileDescriptor(open("/dev/null", O_RDWR)))
        let number = former.number
        #expect(try failure { try former.wait(for: .urgent) }.isSystem(EINVAL))
        #expect(try former.waitReadable() == .readable)
        Glibc.close(number)
        let (new, newPeer) = try socketPair(at: number)
        let receiver = spawn { try new.receiveText() }
        try settle()
        #expect(!receiver.hasEnded)
        try newPeer.sendAll("x")
        #expect(try receiver.value() == "x")
        _ = try former.detach()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an acceptor of a listener whose number is another's`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let former = try inetListener()
        let acceptors = (0..<2).map { _ in spawn { _ = try former.accept() } }
        try settle()
        let number = former.number
        Glibc.close(number)
        move(try inetListener().detach().rawValue, to: number)
        let listener = try Socket(adopting: FileDescriptor(number))
        let acceptor = spawn { try listener.accept() }
        for waiting in acceptors { #expect(try waiting.error().isSystem(EBADF)) }
        let client = try connected(to: listener)
        let peer = try acceptor.value()
        try client.sendAll("x")
        #expect(try peer.receiveText() == "x")
        _ = try former.detach()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `many numbers at once`(on backend: BackendUnderTest) throws {
      try backend.run {
        let count = 100
        let former = try (0..<count).map { _ in try Coroutine.socketPair() }
        let stale = former.map { pair in spawn { _ = try pair.0.receiveText() } }
        try settle()
        // The peers stay: the end of the stream would be news too.
        for pair in former { Glibc.close(pair.0.number) }
        let new = try (0..<count).map { _ in try Coroutine.socketPair() }
        let receivers = new.map { pair in spawn { try pair.0.receiveText() } }
        for (number, pair) in new.enumerated() { try pair.1.sendAll("\(number)") }
        for (number, receiver) in receivers.enumerated() {
          #expect(try receiver.value() == "\(number)")
        }
        for waiter in stale { #expect(try waiter.error().isSystem(EBADF)) }
        for pair in former { _ = try pair.0.detach() }
      }
    }

    // MARK: The number is nobody's

    @Test(arguments: BackendUnderTest.selected)
    func `a call that finds the number closed tells everyone who waits on it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for tries in [{ (end: Socket) throws in try end.sendAll("x") }, { try $0.waitReadable() }] {
          let (left, right) = try Coroutine.socketPair()
          let receivers = (0..<2).map { _ in spawn { _ = try left.receiveText() } }
          let waiting = spawn { try left.wait(for: []) }
          try settle()
          Glibc.close(left.number)
          #expect(try failure { try tries(left) }.isSystem(EBADF))
          for receiver in receivers { #expect(try receiver.error().isSystem(EBADF)) }
          #expect(try waiting.error().isSystem(EBADF))
          #expect(try failure { _ = try left.receiveText() }.isSystem(EBADF))
          #expect(try failure { try left.close() }.isSystem(EBADF))
          try right.close()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wait after one that timed out finds the number closed`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for transport in Transport.allCases {
          let (client, server) = try transport.pair()
          for timeout in [Duration.zero, .milliseconds(1)] {
            #expect(errorCode { _ = try server.receiveText(timeout: timeout) } == .timeout)
          }
          Glibc.close(server.number)
          #expect(try failure { _ = try server.receiveText() }.isSystem(EBADF), "\(transport)")
          #expect(try failure { try server.waitReadable() }.isSystem(EBADF), "\(transport)")
          #expect(try failure { _ = try server.send("x") }.isSystem(EBADF), "\(transport)")
          #expect(try failure { try server.close() }.isSystem(EBADF))
          try client.close()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wait after one that was served finds the number closed`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for transport in Transport.allCases {
          let (client, server) = try transport.pair()
          // Served while it waits, so that the short read is known to have emptied the socket.
          for _ in 0..<2 {
            let receiver = spawn { try server.receiveText() }
            try client.sendAll("x")
            #expect(try receiver.value() == "x")
          }
          Glibc.close(server.number)
          #expect(try failure { _ = try server.receiveText() }.isSystem(EBADF), "\(transport)")
          #expect(try failure { try server.close() }.isSystem(EBADF))
          try client.close()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `closing the object afterwards ends its waits`(on backend: BackendUnderTest) throws {
      try backend.run {
        let stale = try Stale()
        Glibc.close(stale.socket.number)
        #expect(try failure { try stale.socket.close() }.isSystem(EBADF))
        for waiter in stale.waiting { #expect(try waiter.error().code == .closed) }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wait on a number that was closed ends no later than its time`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let receiver = spawn { _ = try left.receiveText(timeout: .milliseconds(3)) }
        let waiting = spawn { try left.waitReadable(timeout: .milliseconds(3)) }
        try settle()
        Glibc.close(left.number)
        for error in [try receiver.error(), try waiting.error()] {
          #expect(error.code == .timeout || error.isSystem(EBADF))
        }
        #expect(try failure { try left.close() }.isSystem(EBADF))
        try right.close()
      }
    }

    // MARK: dup2

    @Test(arguments: BackendUnderTest.selected)
    func `the same file put back at its number is the same`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let receiver = spawn { try left.receiveText() }
        let waiting = spawn { try left.waitReadable() }
        try settle()
        let duplicate = dup(left.number)
        Glibc.close(left.number)
        #expect(dup2(duplicate, left.number) == left.number)
        Glibc.close(duplicate)
        let twin = try Socket(borrowing: FileDescriptor(left.number))
        #expect(errorCode { _ = try twin.receiveText(timeout: .milliseconds(1)) } == .timeout)
        #expect(!receiver.hasEnded && !waiting.hasEnded)
        try right.sendAll("x")
        #expect(try receiver.value() == "x")
        #expect(try waiting.value() == .readable)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a number that dup2 gave another file serves the same object`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let waiting = spawn { try left.waitReadable() }
        try right.sendAll("x")
        try waiting.value()
        #expect(try left.receiveText() == "x")
        #expect(errorCode { _ = try left.receiveText(timeout: .milliseconds(1)) } == .timeout)
        let (other, otherPeer) = try Coroutine.socketPair()
        #expect(dup2(other.number, left.number) == left.number)
        let receiver = spawn { try left.receiveText() }
        let again = spawn { try left.waitReadable() }
        try settle()
        #expect(!receiver.hasEnded && !again.hasEnded)
        try otherPeer.sendAll("y")
        #expect(try again.value() == .readable)
        #expect(try receiver.value() == "y")
        // The former file is gone.
        #expect(try failure { try right.sendAll("z") }.isSystem(EPIPE))
      }
    }

    @Test(arguments: BackendUnderTest.selected, [false, true])
    func `a number that dup2 gave another file serves a new object`(
      on backend: BackendUnderTest, isLate: Bool
    ) throws {
      try backend.run {
        let stale = try Stale()
        let number = stale.socket.number
        let (other, otherPeer) = try Coroutine.socketPair()
        #expect(dup2(other.number, number) == number)
        // Late enough for a backend that looks after its waiters to have found the other file.
        if isLate { try Coroutine.sleep(for: .milliseconds(30)) }
        // The former file is gone, and its peer sees that where nothing keeps it.
        let new = try Socket(borrowing: FileDescriptor(number))
        let receiver = spawn { try new.receiveText() }
        if isLate {
          // Those who asked for less may have found it in the other file.
          for waiter in stale.waiting { _ = try? waiter.value() }
        } else {
          try stale.expectBadDescriptor()
        }
        #expect(!receiver.hasEnded)
        try otherPeer.sendAll("x")
        #expect(try receiver.value() == "x")
        try new.close()
        try stale.socket.close()
        try otherPeer.sendAll("y")
        #expect(try other.receiveText() == "y")
      }
    }
  }
}
