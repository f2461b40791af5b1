import CLinux
import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// One open file under several numbers, or behind several objects.
  @Suite struct Duplicates {
    @Test(arguments: BackendUnderTest.selected)
    func `two numbers of one socket wait each for itself`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let twin = try Socket(adopting: FileDescriptor(dup(left.number)))
        let receivers = [left, twin].map { socket in spawn { try socket.receiveText() } }
        let waiting = [left, twin].map { socket in spawn { try socket.waitReadable() } }
        try settle()
        #expect(receivers.allSatisfy { !$0.hasEnded } && waiting.allSatisfy { !$0.hasEnded })
        // Whoever gets the first, the other gets the second.
        try right.sendAll("x")
        try eventually { receivers.contains { $0.hasEnded } }
        try right.sendAll("x")
        for receiver in receivers { #expect(try receiver.value() == "x") }
        for waiter in waiting { #expect(try waiter.value() == .readable) }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `closing one number leaves the other's waits alone`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for closesFirst in [true, false] {
          let (left, right) = try Coroutine.socketPair()
          let twin = try Socket(adopting: FileDescriptor(dup(left.number)))
          let (closed, kept) = closesFirst ? (left, twin) : (twin, left)
          let ended = spawn { try closed.receiveText() }
          let receiver = spawn { try kept.receiveText() }
          let waiting = spawn { try kept.waitReadable() }
          try settle()
          try closed.close()
          #expect(try ended.error().code == .closed)
          try settle()
          #expect(!receiver.hasEnded && !waiting.hasEnded)
          try right.sendAll("x")
          #expect(try receiver.value() == "x")
          #expect(try waiting.value() == .readable)
          try kept.close()
          #expect(try right.receiveText() == "")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a socket whose duplicate lives elsewhere is closed, and its number is as good as new`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for _ in 0..<20 {
          let (old, oldPeer) = try Coroutine.socketPair()
          let number = old.number
          let duplicate = dup(number)
          let waiting = spawn { try old.waitReadable() }
          try settle()
          try old.close()
          #expect(try waiting.error().code == .closed)
          let (new, newPeer) = try socketPair(at: number)
          let again = spawn { try new.waitReadable() }
          try oldPeer.sendAll("old")
          try settle()
          #expect(!again.hasEnded)
          try newPeer.sendAll("new")
          #expect(try again.value() == .readable)
          #expect(try new.receiveText() == "new")
          Glibc.close(duplicate)
        }
      }
    }

    // MARK: One number, several objects

    @Test(arguments: BackendUnderTest.selected)
    func `two objects of one number are served in the order of their waits`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair(.datagram)
        let twin = try Socket(borrowing: FileDescriptor(left.number))
        let receivers = [left, twin, left, twin].map { socket in
          spawn { try socket.receiveText() }
        }
        try settle()
        for number in 0..<4 { try right.sendAll("\(number)") }
        for number in 0..<4 { #expect(try receivers[number].value() == "\(number)") }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `when one object closes the number, whoever waits through another hears of it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        _ = try left.fill()
        let number = left.number
        let twin = try Socket(borrowing: FileDescriptor(number))
        let waiting =
          [
            spawn { _ = try twin.receiveText() }, spawn { _ = try twin.receiveText() },
            spawn { try twin.sendAll("more") }, spawn { try twin.waitReadable() },
            spawn { try Coroutine.waitReadable(FileDescriptor(number)) },
          ] as [Spawned<Void>]
        try settle()
        try left.close()
        for waiter in waiting { #expect(try waiter.error().isSystem(EBADF)) }
        #expect(try failure { _ = try twin.receiveText() }.isSystem(EBADF))
        // And who gets the number next inherits nothing.
        let (new, newPeer) = try socketPair(at: number)
        let receiver = spawn { try new.receiveText() }
        try newPeer.sendAll("x")
        #expect(try receiver.value() == "x")
        try right.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what was asked through another object is not done to who gets the number`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        try left.sendAll("x")
        try right.sendAll("ab")
        let number = left.number
        let twin = try Socket(borrowing: FileDescriptor(number))
        let waiting: [Spawned<Void>] =
          (0..<3).map { _ in spawn { try twin.sendAll("secret") } }
          + (0..<3).map { _ in
            spawn {
              var byte: [UInt8] = [0]
              _ = try twin.receive(into: &byte)
            }
          }
        try left.close()
        let (new, newPeer) = try socketPair(at: number)
        try newPeer.sendAll("for the new one")
        for waiter in waiting { _ = try? waiter.value() }
        #expect(try new.receiveText() == "for the new one")
        #expect(errorCode { _ = try newPeer.receiveText(timeout: .zero) } == .timeout)
        try right.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `when one object gives the number up, whoever waits through another waits on`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let twin = try Socket(adopting: FileDescriptor(left.number))
        let ended = spawn { try left.receiveText() }
        let receiver = spawn { try twin.receiveText() }
        let waiting = spawn { try twin.waitReadable() }
        try settle()
        _ = try left.detach()
        #expect(try ended.error().code == .closed)
        try settle()
        #expect(!receiver.hasEnded && !waiting.hasEnded)
        try right.sendAll("x")
        #expect(try receiver.value() == "x")
        #expect(try waiting.value() == .readable)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `standard streams are borrowed and left open`(on backend: BackendUnderTest) throws {
      try backend.run {
        for number in CInt(0)...2 {
          let flags = statusFlags(number)
          do {
            let stream = try PipeEnd(borrowing: FileDescriptor(number))
            _ = try stream.wait(for: [.readable, .writable], timeout: .seconds(60))
            try stream.close()
          }
          do { _ = try PipeEnd(borrowing: FileDescriptor(number)) }
          #expect(isOpen(number) && statusFlags(number) == flags)
        }
      }
    }
  }
}
