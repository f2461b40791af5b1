import CoroutineAPI
import Testing

extension Conformance {
  /// Large numbers of everything.
  @Suite struct Many {
    @Test(arguments: BackendUnderTest.selected)
    func `a hundred thousand coroutines are parked and joined`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let count = Sanitizer.coroutineCount(100_000)
        var isOpen = false
        let gate = Coroutine { while !isOpen { try Coroutine.sleep(for: .microseconds(100)) } }
        gate.start()
        var passed = 0
        let coroutines = (0..<count).map { _ in
          Coroutine {
            try gate.join()
            passed += 1
          }
        }
        for coroutine in coroutines { coroutine.start() }
        #expect(Coroutine.activeCount == count + 2)
        #expect(passed == 0)
        isOpen = true
        for coroutine in coroutines { try coroutine.join() }
        #expect(passed == count)
        #expect(Coroutine.activeCount == 1)
      }
    }

    /// Parks `count` coroutines with a timer each, whose deadlines are spread and out of order.
    static func setTimers(_ count: Int, on backend: BackendUnderTest) throws {
      try backend.run {
        var order: [Instant] = []
        var early = 0
        let start = Instant.now
        for number in 0..<count {
          Coroutine {
            let deadline = start + .microseconds(number * 7919 % count * 5)
            try Coroutine.sleep(until: deadline)
            if Instant.now < deadline { early += 1 }
            order.append(deadline)
          }.start()
        }
        // Some of the first may have expired already while the last were being set.
        let allSet = Instant.now
        while order.count < count { try Coroutine.sleep(for: .milliseconds(1)) }
        #expect(order.count == count)
        #expect(early == 0)
        let pending = order.filter { $0 > allSet }
        #expect(zip(pending, pending.dropFirst()).allSatisfy { $0 <= $1 })
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `two hundred thousand timers are pending`(on backend: BackendUnderTest) throws {
      try Self.setTimers(Sanitizer.coroutineCount(200_000), on: backend)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a hundred thousand timers of daemons are cancelled`(
      on backend: BackendUnderTest
    ) throws {
      let count = Sanitizer.coroutineCount(100_000)
      var ended = 0
      try backend.run {
        for number in 0..<count {
          Coroutine(daemon: true) {
            defer { ended += 1 }
            try Coroutine.sleep(Double(1000 + number * 31 % 977))
          }.start()
        }
        #expect(ended == 0)
      }
      #expect(ended == count)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a hundred thousand coroutines follow each other`(on backend: BackendUnderTest) throws {
      try backend.run {
        var sum = 0
        for number in 0..<100_000 {
          let coroutine = Coroutine {
            if number % 4 == 0 { try Coroutine.sleep() }
            sum += 1
          }
          coroutine.start()
          try coroutine.join()
        }
        #expect(sum == 100_000)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a thousand coroutines wait for a thousand pipes`(on backend: BackendUnderTest) throws {
      try backend.run {
        let pipes = try (0..<1000).map { _ in try Coroutine.pipe() }
        var received: [Int] = []
        let readers = pipes.enumerated().map { number, pipe in
          Coroutine {
            var buffer = [UInt8](repeating: 0, count: 8)
            if try pipe.reader.read(into: &buffer) == 2 { received.append(number) }
          }
        }
        for reader in readers { reader.start() }
        for number in 0..<1000 { try pipes[number * 617 % 1000].writer.writeAll("hi") }
        for reader in readers { try reader.join() }
        #expect(received.count == 1000)
        #expect(Set(received).count == 1000)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a token goes round a ring of a thousand coroutines`(on backend: BackendUnderTest) throws {
      try backend.run {
        let pipes = try (0...1000).map { _ in try Coroutine.pipe() }
        let coroutines = (0..<1000).map { number in
          Coroutine {
            var buffer = [UInt8](repeating: 0, count: 1)
            for _ in 0..<3 {
              _ = try pipes[number].reader.read(into: &buffer)
              buffer[0] &+= 1
              try pipes[number + 1].writer.writeAll(buffer)
            }
          }
        }
        for coroutine in coroutines { coroutine.start() }
        var token: [UInt8] = [0]
        for _ in 0..<3 {
          try pipes[0].writer.writeAll(token)
          _ = try pipes[1000].reader.read(into: &token)
        }
        #expect(token == [UInt8(3000 % 256)])
      }
    }
  }
}
