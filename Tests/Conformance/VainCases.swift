import CLinux
import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// Who waits for something and is told of something else, again and again: he goes on waiting,
  /// and costs nothing.
  @Suite struct Vain {
    /// The time that the calling thread has computed.
    private var computed: Duration {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Expects that waiting for a fifth of a second takes hardly any of the processor's time.
    private func expectIdle(_ wait: (Duration) throws -> Void) throws {
      let before = computed
      #expect(errorCode { try wait(.milliseconds(200)) } == .timeout)
      #expect(computed - before < .milliseconds(100))
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a peer that has ended its sending keeps nobody busy`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for transport in [Transport.inet, .socketPair] {
          let (left, right) = try transport.pair()
          try right.shutdown(.sending)
          #expect(try left.wait(for: .peerClosed).contains(.peerClosed))
          try expectIdle { try left.wait(for: [], timeout: $0) }
          try expectIdle { try left.wait(for: .urgent, timeout: $0) }
          _ = try left.fill()
          try expectIdle { try left.waitWritable(timeout: $0) }
          try expectIdle { _ = try left.send("x", timeout: $0) }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `splice waits for either end`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (input, output) = (try Coroutine.pipe(), try Coroutine.pipe())
        try expectIdle { _ = try input.reader.splice(to: output.writer, count: 1, timeout: $0) }
        _ = try output.writer.fill()
        try input.writer.writeAll("x")
        try expectIdle { _ = try input.reader.splice(to: output.writer, count: 1, timeout: $0) }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error in a socket's queue keeps no splice busy`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Transport.inet.pair()
        _ = fcntl(left.number, F_SETFL, statusFlags(left.number) | O_NONBLOCK)
        // SOF_TIMESTAMPING_TX_SOFTWARE and _SOFTWARE: what is sent comes back with its time.
        var stamps: CInt = 1 << 1 | 1 << 4
        #expect(setsockopt(left.number, SOL_SOCKET, SO_TIMESTAMPING, &stamps, 4) == 0)
        try left.sendAll("x")
        #expect(try left.wait(for: []).contains(.failed))
        let socket = try PipeEnd(borrowing: left.fileDescriptor)
        let (reader, writer) = try Coroutine.pipe()
        try expectIdle { _ = try socket.splice(to: writer, count: 9, timeout: $0) }
        try right.sendAll("y")
        #expect(try socket.splice(to: writer, count: 9) == 1)
        #expect(try reader.readText() == "y")
        try socket.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who waits beside a half-closed peer is woken by what he waits for`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let size = try left.fill()
        try right.shutdown(.sending)
        let room = spawn { try Coroutine.waitWritable(left.fileDescriptor) }
        let end = spawn { try Coroutine.wait(for: [], on: left.fileDescriptor) }
        try settle()
        // The number is introduced again while others wait on it.
        #expect(try Coroutine.waitReadable(left.fileDescriptor).contains(.readable))
        #expect(!room.hasEnded && !end.hasEnded)
        var received = 0
        while received < size {
          var bytes = [UInt8](repeating: 0, count: 65_536)
          received += try right.receive(into: &bytes)
        }
        #expect(try room.value().contains(.writable))
        try settle()
        #expect(!end.hasEnded)
        try right.close()
        #expect(try end.value().contains(.hungUp))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who waits in vain can be cancelled, and closed on`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        try right.shutdown(.sending)
        var codes: [CoroutineError.Code?] = []
        let cancelled = Coroutine { codes.append(errorCode { try left.wait(for: []) }) }
        let closed = Coroutine { codes.append(errorCode { try left.wait(for: .urgent) }) }
        cancelled.start()
        closed.start()
        try settle()
        cancelled.cancel()
        try cancelled.join()
        try left.close()
        try closed.join()
        #expect(codes == [.cancelled, .closed])
      }
    }

    @Test(arguments: BackendUnderTest.selected, [true, false])
    func `who is stopped when he has finished already is left alone`(
      on backend: BackendUnderTest, isClosed: Bool
    ) throws {
      try backend.run {
        for _ in 0..<3 {
          let (left, right) = try Coroutine.socketPair()
          let (other, otherPeer) = try Coroutine.socketPair()
          let receiver = spawn { try left.receiveText() }
          let waiting = spawn { try Coroutine.waitReadable(other.fileDescriptor) }
          try settle()
          #expect(Glibc.send(right.number, "x", 1, CInt(MSG_DONTWAIT)) == 1)
          // Introduces a number in use: what has finished is taken in, and not reported yet.
          try Coroutine.waitWritable(other.fileDescriptor)
          if isClosed { try left.close() } else { receiver.coroutine.cancel() }
          _ = try? receiver.value()
          // On the same stack, at the same place.
          let again = spawn { try right.receiveText() }
          try settle()
          if !isClosed {
            #expect(!again.hasEnded)
            try left.sendAll("y")
            #expect(try again.value() == "y")
          }
          try otherPeer.sendAll("z")
          #expect(try waiting.value().contains(.readable))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error in the queue keeps no receiver busy`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        try left.setOption(.receiveErrors, true)
        try left.connect(to: try right.localAddress)
        try right.close()
        try left.sendAll("anybody?")
        #expect(try failure { _ = try left.receiveText() }.isSystem(ECONNREFUSED))
        try expectIdle { timeout in
          var bytes = [UInt8](repeating: 0, count: 8)
          _ = try left.receiveMessage(into: &bytes, timeout: timeout)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `receiving that was shut down ends for datagrams too`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair(.datagram)
        let (here, there) = (try inetDatagramSocket(), try inetDatagramSocket())
        try here.connect(to: there.localAddress)
        try there.connect(to: here.localAddress)
        for (socket, peer) in [(left, right), (here, there)] {
          let waiting = spawn { try socket.receiveText() }
          try settle()
          #expect(!waiting.hasEnded)
          try socket.shutdown(.receiving)
          #expect(try waiting.value() == "")
          #expect(try socket.receiveText() == "")
          #expect(try socket.receiveText(timeout: .zero) == "")
          var bytes = [UInt8](repeating: 0, count: 8)
          #expect(try socket.receiveMessage(into: &bytes).count == 0)
          // What had come is not lost.
          try socket.sendAll("x")
          try peer.shutdown(.receiving)
          #expect(try peer.receiveText() == "x")
          #expect(try peer.receiveText() == "")
        }
      }
    }

    /// The threads with which the kernel waits for the calling thread's ring.
    private func workerCount() throws -> Int {
      let own = try #require(target(ofLink: "/proc/thread-self").split(separator: "/").last)
      let directory = try #require(opendir("/proc/self/task"))
      defer { closedir(directory) }
      var count = 0
      while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { text($0) }
        if content(ofFile: "/proc/self/task/\(name)/comm") == "iou-wrk-\(own)\n" { count += 1 }
      }
      return count
    }

    private func text(_ bytes: UnsafeRawBufferPointer) -> String {
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    private func target(ofLink path: String) -> String {
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
        let length = readlink(path, buffer.baseAddress!, buffer.count)
        return String(decoding: UnsafeRawBufferPointer(buffer).prefix(length), as: UTF8.self)
      }
    }

    /// Empty where there is none.
    private func content(ofFile path: String) -> String {
      let file = open(path, O_RDONLY | O_CLOEXEC)
      defer { Glibc.close(file) }
      return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
        let length = Glibc.read(file, buffer.baseAddress, buffer.count)
        return String(decoding: buffer.prefix(max(0, length)), as: UTF8.self)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `senders without room take no thread each, whatever else stands`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let listener = try inetListener()
        let bytes = [UInt8](repeating: 7, count: 4 << 20)
        // Earlier loops of the thread may have left some.
        let workersBefore = try workerCount()
        var senders: [(client: Socket, server: Socket, sender: Spawned<Void>)] = []
        for number in 0..<8 {
          let client = try connected(to: listener)
          let server = try listener.accept()
          try server.setOption(.sendBufferSize, 1 << 16)
          if number % 2 == 0 {
            try client.shutdown(.sending)
          } else {
            try client.sendAll("!", flags: .outOfBand)
          }
          senders.append((client, server, spawn { try server.sendAll(bytes) }))
        }
        for _ in 0..<20 { try settle() }
        #expect(senders.allSatisfy { !$0.sender.hasEnded })
        #expect(try workerCount() <= workersBefore)
        // The servers stay open: with a byte that nobody received their end would be a reset.
        for (client, _, sender) in senders {
          #expect(try client.receiveExactly(bytes.count) == bytes)
          try sender.value()
        }
        withExtendedLifetime(senders) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `a listener that was shut down accepts no more`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        for made in [try inetListener(), try unixListener()] {
          let number = try made.detach().rawValue
          #expect(fcntl(number, F_SETFL, mode) == 0)
          let listener = try Socket(adopting: FileDescriptor(number))
          let waiting = (0..<2).map { _ in spawn { _ = try listener.accept() } }
          try settle()
          #expect(waiting.allSatisfy { !$0.hasEnded })
          try listener.shutdown(.receiving)
          for acceptor in waiting { #expect(try acceptor.error().isSystem(EINVAL)) }
          #expect(try failure { _ = try listener.accept() }.isSystem(EINVAL))
          #expect(try failure { _ = try listener.accept(timeout: .zero) }.isSystem(EINVAL))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the next in a line gets what was no good for the first`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        try right.setOption(.peekOffset, 0)
        try left.sendAll("abc")
        var bytes = [UInt8](repeating: 0, count: 8)
        #expect(try right.receive(into: &bytes, flags: .peek) == 3)
        let first = Coroutine {
          var bytes = [UInt8](repeating: 0, count: 8)
          _ = try right.receive(into: &bytes, flags: .peek)
        }
        first.start()
        let second = spawn { try right.receiveText() }
        let third = spawn { try right.receiveText() }
        try settle()
        #expect(!second.hasEnded)
        first.cancel()
        try first.join()
        #expect(try second.value() == "abc")
        #expect(!third.hasEnded)
        try left.sendAll("def")
        #expect(try third.value() == "def")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `every bit can be waited for`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        // But for those that say the same (POLLWRNORM, POLLWRBAND).
        let all = Readiness(rawValue: ~Readiness.writable.rawValue & ~0x300)
        #expect(errorCode { try left.wait(for: all, timeout: .milliseconds(2)) } == .timeout)
        try right.sendAll("x")
        #expect(try left.wait(for: all).contains(.readable))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `accepting where nobody listens is refused at once`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        #expect(try failure { _ = try left.accept() }.isSystem(EINVAL))
        let (here, there) = try Coroutine.socketPair(.datagram)
        #expect(try failure { _ = try here.accept() }.isSystem(EOPNOTSUPP))
        withExtendedLifetime((right, there)) {}
      }
    }
  }
}
