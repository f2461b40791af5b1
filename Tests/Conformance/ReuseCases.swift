import CLinux
import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// Numbers that pass from one owner to the next, closers who meet, several who wait for the same.
  @Suite struct Reuse {
    // MARK: One batch of events

    @Test(arguments: BackendUnderTest.selected)
    func `who closes and reopens numbers within one batch of events hands nothing on`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for round in 0..<20 {
          let former = try (0..<16).map { _ in try Coroutine.socketPair() }
          var new: [(Socket, Socket)] = []
          var news: [Spawned<String>] = []
          var isReplaced = false
          func replaceAll() throws {
            for pair in former { try pair.0.close() }
            new = try (0..<16).map { _ in try Coroutine.socketPair() }
            for pair in new {
              news.append(spawn { try pair.0.receiveText() })
              news.append(
                spawn {
                  try pair.0.waitReadable()
                  return "new"
                })
            }
          }
          let waiting = former.map { pair in
            spawn {
              let isReceiver = (round + Int(pair.0.number)) % 2 == 0
              if isReceiver { _ = try pair.0.receiveText() } else { try pair.0.waitReadable() }
              // Closing suspends for as long as somebody still waits.
              if isReplaced { return }
              isReplaced = true
              try replaceAll()
            }
          }
          try settle()
          // All of these are in the batch of which the first wakes one who closes the others.
          for pair in former { try pair.1.sendAll("old") }
          for waiter in waiting {
            do {
              try waiter.value()
            } catch let error as CoroutineError {
              #expect(error.code == .closed)
            }
          }
          try settle()
          #expect(new.count == 16 && news.allSatisfy { !$0.hasEnded })
          for pair in new { try pair.1.sendAll("new") }
          for receiver in news { #expect(try receiver.value() == "new") }
        }
      }
    }

    // MARK: Close meets others

    @Test(arguments: BackendUnderTest.selected)
    func `close ends everything that is under way on a descriptor`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (client, server) = try Transport.inet.pair()
        _ = try client.fill()
        var waiting =
          [
            spawn { _ = try client.receiveText() }, spawn { try client.sendAll("more") },
            spawn { try client.waitReadable() }, spawn { try client.waitWritable() },
            spawn { try client.wait(for: .urgent) }, spawn { try client.wait(for: []) },
          ] as [Spawned<Void>]
        let listener = try inetListener(backlog: 0)
        let full = try connected(to: listener)
        let address = try listener.localAddress
        let connecting = try Coroutine.socket(.inet, .stream)
        let idle = try unixListener()
        waiting.append(spawn { try connecting.connect(to: address) })
        // Before it is asked for a connection, a socket has hung up.
        try settle()
        waiting += [
          spawn { try connecting.waitWritable() },
          spawn { _ = try idle.accept() }, spawn { _ = try idle.accept() },
          spawn { try idle.waitReadable() },
        ]
        try settle()
        #expect(waiting.allSatisfy { !$0.hasEnded })
        for socket in [client, connecting, idle] {
          let number = socket.number
          try socket.close()
          #expect(!isOpen(number))
        }
        for waiter in waiting { #expect(try waiter.error().code == .closed) }
        try full.close()
        try server.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `of two who close at the same time neither fails`(on backend: BackendUnderTest) throws {
      try backend.run {
        for _ in 0..<50 {
          let (left, right) = try Coroutine.socketPair()
          let receiver = spawn { _ = try left.receiveText() }
          let number = left.number
          let closers = (0..<3).map { _ in spawn { try left.close() } }
          for closer in closers { try closer.value() }
          #expect(try receiver.error().code == .closed)
          #expect(!isOpen(number))
          #expect(try right.receiveText() == "")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `whoever is woken by close may make a descriptor, and gets another number`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let number = left.number
        var made: [CInt] = []
        let receivers = (0..<2).map { _ in
          spawn {
            let error = try failure { _ = try left.receiveText() }
            #expect(error.code == .closed)
            let (one, other) = try Coroutine.socketPair()
            made += [one.number, other.number]
            try one.close()
            try other.close()
          }
        }
        try left.close()
        for receiver in receivers { try receiver.value() }
        #expect(made.count == 4)
        #expect(!isOpen(number))
        try right.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal's handler may close what others wait on`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        let (left, right) = try Coroutine.socketPair()
        try Coroutine.signal(SIGUSR1) { _ in try left.close() }
        let receiver = spawn { _ = try left.receiveText() }
        let waiting = spawn { try left.waitReadable() }
        raiseHere(SIGUSR1)
        #expect(try receiver.error().code == .closed)
        #expect(try waiting.error().code == .closed)
        try Coroutine.signal(SIGUSR1, .default)
        #expect(try right.receiveText() == "")
      }
    }

    // MARK: Several for the same

    @Test(arguments: BackendUnderTest.selected)
    func `acceptors are served in order, without those who gave up`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          let log = EventLog()
          let acceptors = (0..<6).map { number in
            spawn {
              let peer = try listener.accept(timeout: number % 3 == 1 ? .milliseconds(1) : nil)
              log.note("\(number) \(try peer.receiveText())")
            }
          }
          for number in [1, 4] { #expect(try acceptors[number].error().code == .timeout) }
          for number in [0, 2, 3, 5] {
            let client = try connected(to: listener)
            try client.sendAll("for \(number)")
            try acceptors[number].value()
          }
          #expect(log.events == ["0 for 0", "2 for 2", "3 for 3", "5 for 5"])
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `writers are served in order, without those who gave up`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let size = try writer.fill()
        let writers = (0..<6).map { number in
          spawn {
            let timeout: Duration? = number % 3 == 1 ? .milliseconds(1) : nil
            try writer.writeAll(
              [UInt8](repeating: UInt8(number), count: 4096), timeout: timeout)
          }
        }
        for number in [1, 4] { #expect(try writers[number].error().code == .timeout) }
        var bytes: [UInt8] = []
        while bytes.count < size + 4 * 4096 { bytes += try reader.readBytes(4096) }
        for number in [0, 2, 3, 5] { try writers[number].value() }
        let blocks = stride(from: size, to: bytes.count, by: 4096).map { bytes[$0] }
        #expect(blocks == [0, 2, 3, 5])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who sends does not overtake those who wait for room`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (sender, receiver) = try Coroutine.socketPair()
        let size = try sender.fill()
        let twin = try Socket(borrowing: FileDescriptor(rawValue: sender.number))
        // It is the loop's, so that nothing need be looked up when it sends.
        #expect(errorCode { _ = try twin.waitReadable(timeout: .zero) } == .timeout)
        func send(_ number: UInt8) -> Spawned<Void> {
          let socket = number < 4 ? sender : twin
          return spawn { try socket.sendAll([UInt8](repeating: number, count: 4096)) }
        }
        var senders = [1, 2, 3].map(send)
        try settle()
        // Room, of which nobody has been told yet, if the backend is not asked in between.
        var bytes = [UInt8](repeating: 0, count: size + 4 * 4096)
        var count = bytes.withUnsafeMutableBytes {
          recv(receiver.number, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT))
        }
        #expect(count > 0)
        senders.append(send(4))
        while count < size + 4 * 4096 {
          var rest = [UInt8](repeating: 0, count: 4096)
          let got = try receiver.receive(into: &rest, timeout: .seconds(5))
          bytes.replaceSubrange(count..<count + got, with: rest[..<got])
          count += got
        }
        for sender in senders { try sender.value() }
        let blocks = stride(from: size, to: count, by: 4096).map { bytes[$0] }
        #expect(blocks == [1, 2, 3, 4])
      }
    }

    // MARK: Threads and loops

    @Test(arguments: BackendUnderTest.selected)
    func `what a loop leaves behind, the next one may use`(on backend: BackendUnderTest) throws {
      var pair: (Socket, Socket)?
      for round in 0..<3 {
        try backend.run {
          let (left, right) = try pair ?? Coroutine.socketPair()
          pair = (left, right)
          let receiver = spawn { try left.receiveText() }
          try settle()
          try right.sendAll("\(round)")
          #expect(try receiver.value() == "\(round)")
          let waiting = spawn { try left.waitReadable() }
          try settle()
          try right.sendAll("again")
          #expect(try waiting.value() == .readable)
          #expect(try left.receiveText() == "again")
          #expect(errorCode { _ = try left.receiveText(timeout: .milliseconds(1)) } == .timeout)
        }
      }
      let numbers = pair.map { [$0.0.number, $0.1.number] } ?? []
      pair = nil
      #expect(numbers.count == 2 && !numbers.contains(where: isOpen))
    }

    /// Carries an object to another thread, which releases it.
    // Safe to call Sendable: its maker lets go of it first.
    private final class Parcel: @unchecked Sendable {
      private var socket: Socket?
      init(_ socket: Socket) { self.socket = socket }
      func release() { socket = nil }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an object that another thread releases leaves its number as good as new`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for _ in 0..<20 {
          let number: CInt
          let right: Socket
          do {
            let (left, peer) = try Coroutine.socketPair()
            right = peer
            number = left.number
            let waiting = spawn { try left.waitReadable() }
            try right.sendAll("x")
            try waiting.value()
            #expect(try left.receiveText() == "x")
            #expect(errorCode { _ = try left.receiveText(timeout: .milliseconds(1)) } == .timeout)
            let parcel = Parcel(left)
            try onThread { parcel.release() }
          }
          try eventually { !isOpen(number) }
          let (new, newPeer) = try socketPair(at: number)
          let receiver = spawn { try new.receiveText() }
          try settle()
          #expect(!receiver.hasEnded)
          try newPeer.sendAll("new")
          #expect(try receiver.value() == "new")
          #expect(try right.receiveText() == "")
        }
      }
    }

    /// Runs `body` on a thread of its own, after the caller's frame has let go of what it holds.
    private func onThread(_ body: @escaping @Sendable () -> Void) throws {
      let gate = Gate()
      let thread = ThreadJob {
        gate.wait()
        body()
      }
      gate.open()
      thread.join()
    }
  }
}
