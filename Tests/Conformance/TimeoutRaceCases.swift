import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// What a timeout leaves as it was, and how it races with what it waits for.
  @Suite struct TimeoutRaces {
    // MARK: Zero succeeds where it can

    @Test(arguments: BackendUnderTest.selected)
    func `zero succeeds if it can at once, though it failed before`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          for number in 0..<3 {
            let error = try failure { _ = try server.receiveText(timeout: .zero) }
            #expect(error.code == .timeout)
            try client.sendAll("\(number)")
            #expect(try server.receiveText(timeout: .zero) == "\(number)", "\(transport)")
          }
        }
        let (reader, writer) = try Coroutine.pipe()
        for number in 0..<3 {
          #expect(try failure { _ = try reader.readText(timeout: .zero) }.code == .timeout)
          try writer.writeAll("\(number)")
          #expect(try reader.readText(timeout: .zero) == "\(number)")
        }
        let listener = try unixListener()
        for _ in 0..<3 {
          #expect(try failure { _ = try listener.accept(timeout: .zero) }.code == .timeout)
          _ = try connected(to: listener)
          _ = try listener.accept(timeout: .zero)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `zero succeeds after a wait that timed out`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          #expect(
            try failure { _ = try server.receiveText(timeout: .milliseconds(1)) }.code == .timeout)
          try client.sendAll("x")
          #expect(try server.receiveText(timeout: .zero) == "x", "\(transport)")
        }
        let (reader, writer) = try Coroutine.pipe()
        let size = try writer.fill()
        let error = try failure { _ = try writer.write("x", timeout: .milliseconds(1)) }
        #expect(error.code == .timeout)
        var buffer = [UInt8](repeating: 0, count: size)
        #expect(try reader.read(into: &buffer) == size)
        #expect(try writer.write("x", timeout: .zero) == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `zero does not overtake one that waits`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        var text: String?
        let waiter = Coroutine { text = try left.receiveText() }
        waiter.start()
        // Nobody suspends between these two, so the waiter has not been told of the byte yet.
        #expect(try right.send("x", timeout: .zero) == 1)
        #expect(try failure { _ = try left.receiveText(timeout: .zero) }.code == .timeout)
        try waiter.join()
        #expect(text == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `zero sees the end of the stream`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          #expect(try failure { _ = try server.receiveText(timeout: .zero) }.code == .timeout)
          try client.close()
          #expect(try server.receiveText(timeout: .zero) == "", "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a timeout that does not expire changes nothing`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          for timeout in [nil, Duration.seconds(60), .seconds(Int64.max)] {
            let receiver = spawn { try server.receiveText(timeout: timeout) }
            #expect(!receiver.hasEnded)
            try client.sendAll("x")
            #expect(try receiver.value() == "x", "\(transport)")
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who times out leaves the line, and the others keep their places`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          var log: [String] = []
          func wait(_ name: String, _ timeout: Duration?) {
            _ = spawn {
              var byte: [UInt8] = [0]
              let code = errorCode { _ = try server.receive(into: &byte, timeout: timeout) }
              log.append(code == .timeout ? "\(name) gave up" : "\(name) \(byte[0])")
            }
          }
          wait("first", .milliseconds(1))
          wait("second", nil)
          wait("third", .milliseconds(2))
          wait("fourth", nil)
          try eventually { log.count == 2 }
          // On a busy machine both times are up in one turn, and either may be reported first.
          #expect(log.sorted() == ["first gave up", "third gave up"], "\(transport)")
          try client.sendAll([1])
          try eventually { log.count == 3 }
          try client.sendAll([2])
          try eventually { log.count == 4 }
          #expect(log[2...] == ["second 1", "fourth 2"], "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what another thread does ends a wait whose time is far away`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let descriptor = right.number
        let watch = TaskWatch()
        let writer = ThreadJob {
          // By then the loop waits in the kernel, with nothing else that could end its wait.
          watch.waitUntilAsleep()
          _ = Glibc.write(descriptor, "x", 1)
        }
        #expect(try left.receiveText(timeout: .seconds(40)) == "x")
        writer.join()
        withExtendedLifetime(right) {}
      }
    }

    // MARK: Races

    @Test(arguments: BackendUnderTest.selected, Transport.allCases)
    func `a timeout that races with data loses no byte`(
      on backend: BackendUnderTest, transport: Transport
    ) throws {
      try backend.run {
        let (client, server) = try transport.pair()
        let sender = spawn {
          for number in 0..<200 {
            try client.sendAll([UInt8(number)])
            try Coroutine.sleep(for: .microseconds(20 + number % 7 * 10))
          }
          try client.close()
        }
        var received: [UInt8] = []
        var timeouts = 0
        var buffer = [UInt8](repeating: 0, count: 3)
        var isAtEnd = false
        while !isAtEnd {
          do throws(CoroutineError) {
            let count = try server.receive(
              into: &buffer, timeout: .microseconds(10 + (received.count + timeouts) % 11 * 10))
            received += buffer[..<count]
            isAtEnd = count == 0
          } catch {
            try #require(error.code == .timeout)
            timeouts += 1
          }
        }
        try sender.value()
        #expect(received == (0..<200).map { UInt8($0) })
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a timeout that races with room sends no byte twice`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let reader = spawn {
          var buffer = [UInt8](repeating: 0, count: 20_000)
          var received = 0
          while case let count = try right.receive(into: &buffer), count > 0 {
            guard Pattern.matches(buffer, count, at: received) else { return -1 }
            received += count
            try Coroutine.sleep(for: .microseconds(50))
          }
          return received
        }
        var sent = 0
        for number in 0..<600 {
          do throws(CoroutineError) {
            sent += try left.send(
              Pattern.bytes(at: sent, count: 30_000), timeout: .microseconds(number % 13 * 10))
          } catch {
            try #require(error.code == .timeout)
          }
        }
        try left.close()
        #expect(try reader.value() == sent)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a timeout that races with connections loses none`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let listener = try unixListener()
        let clients = spawn {
          try (0..<100).map { number in
            let client = try connected(to: listener)
            try client.sendAll([UInt8(number)])
            try Coroutine.sleep(for: .microseconds(20 + number % 7 * 10))
            return client
          }
        }
        var heard: [UInt8] = []
        var attempt = 0
        while heard.count < 100 {
          attempt += 1
          do throws(CoroutineError) {
            let peer = try listener.accept(timeout: .microseconds(10 + attempt % 11 * 10))
            var byte: [UInt8] = [0]
            _ = try peer.receive(into: &byte)
            heard += byte
          } catch {
            try #require(error.code == .timeout)
          }
        }
        #expect(heard == (0..<100).map { UInt8($0) })
        _ = try clients.value()
      }
    }
  }
}
