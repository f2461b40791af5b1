import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `cancel()`: what the target, those around it and its clean-up see.
  @Suite struct Cancelling {
    @Test(arguments: BackendUnderTest.selected)
    func `a sleep and a join end with it, and nobody else's`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let other = Coroutine { try Coroutine.sleep(for: .milliseconds(2)) }
        other.start()
        let sleeper = spawn { try Coroutine.sleep(.infinity) }
        let joiner = spawn { try other.join() }
        let bystander = spawn { try other.join(timeout: .seconds(60)) }
        for target in Coroutine.enumerate().dropFirst(2).prefix(2) { target.cancel() }
        #expect(try sleeper.error().code == .cancelled)
        let error = try joiner.error()
        #expect(error.code == .cancelled && error.call == "join" && error.operands == other.name)
        #expect(other.isAlive)
        #expect(try bystander.value())
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `it is thrown once, however often it was asked for`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var codes: [CoroutineError.Code?] = []
        let target = Coroutine {
          for _ in 0..<3 { codes.append(errorCode { try Coroutine.sleep(for: .milliseconds(1)) }) }
        }
        target.start()
        for _ in 0..<3 { target.cancel() }
        try target.join()
        #expect(codes == [.cancelled, nil, nil])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `asked for again after it was thrown, it is thrown again`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var count = 0
        let target = Coroutine {
          while count < 3 {
            if errorCode({ try Coroutine.sleep(.infinity) }) == .cancelled { count += 1 }
          }
        }
        target.start()
        for expected in 1...3 {
          target.cancel()
          try Coroutine.sleep()
          #expect(count == expected)
        }
        try target.join()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `defer and deinit run, and clean-up may wait`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        let (left, right) = try Coroutine.socketPair()
        let counter = Counted.Counter()
        let target = Coroutine {
          let counted = Counted(counter)
          defer {
            withExtendedLifetime(counted) {}
            log.note("\(errorCode { try left.sendAll("bye") } == nil)")
            log.note("\(errorCode { try Coroutine.sleep(for: .microseconds(1)) } == nil)")
          }
          _ = try left.receiveText()
          log.note("never")
        }
        target.start()
        try settle()
        target.cancel()
        try target.join()
        #expect(log.events == ["true", "true"])
        #expect(try right.receiveText() == "bye")
        #expect(counter.alive == 0 && counter.made == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one's own cancellation is thrown by the next wait`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        try writer.writeAll("x")
        Coroutine.current.cancel()
        #expect(errorCode { _ = try reader.readText() } == .cancelled)
        #expect(try reader.readText() == "x")
        Coroutine.main.cancel()
        #expect(errorCode { try Coroutine.sleep() } == .cancelled)
        #expect(errorCode { try Coroutine.sleep() } == nil)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a yield ends with it, and so does one that is under way`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var codes: [CoroutineError.Code?] = []
        let target = Coroutine {
          for _ in 0..<2 { codes.append(errorCode { try Coroutine.sleep() }) }
        }
        target.start()
        target.cancel()
        try target.join()
        #expect(codes == [.cancelled, nil])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `code that computes can ask`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Coroutine.checkCancellation()
        Coroutine.current.cancel()
        let error = try failure { try Coroutine.checkCancellation() }
        #expect(error.code == .cancelled && error.call == "checkCancellation")
        try Coroutine.checkCancellation()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `before the start and after the end`(on backend: BackendUnderTest) throws {
      try backend.run {
        var code: CoroutineError.Code?
        var hasBegun = false
        let target = Coroutine {
          hasBegun = true
          code = errorCode { try Coroutine.sleep(.infinity) }
        }
        target.cancel()
        target.start()
        #expect(hasBegun)
        #expect(code == .cancelled && !target.isAlive)
        target.cancel()
        try target.join()
        try Coroutine.sleep()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error that leaves the code ends it unreported, another is reported`(
      on backend: BackendUnderTest
    ) throws {
      struct Mine: Error {}
      try backend.run {
        var reported: [String] = []
        Coroutine.uncaughtErrorHook = { reported.append("\($0.name): \($1)") }
        let quiet = Coroutine(name: "quiet") { try Coroutine.sleep(.infinity) }
        let loud = Coroutine(name: "loud") {
          do { try Coroutine.sleep(.infinity) } catch { throw Mine() }
        }
        for target in [quiet, loud] {
          target.start()
          target.cancel()
          try target.join()
        }
        #expect(reported == ["loud: Mine()"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `closing is not interrupted`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let receiver = spawn { try left.receiveText() }
        try settle()
        var codes: [CoroutineError.Code?] = []
        let closer = Coroutine {
          codes.append(errorCode { try left.close() })
          codes.append(errorCode { try Coroutine.sleep(for: .nanoseconds(1)) })
        }
        closer.start()
        closer.cancel()
        try closer.join()
        #expect(left.isClosed && codes == [nil, .cancelled])
        #expect(try receiver.error().code == .closed)
        #expect(try right.receiveText() == "")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a thousand at once end, and their timers with them`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let before = Coroutine.activeCount
        let coroutines = (0..<1000).map { number in
          Coroutine {
            if number % 2 == 0 {
              try Coroutine.sleep(for: .seconds(3600))
            } else {
              _ = try left.receiveText(timeout: .seconds(3600))
            }
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { coroutine.cancel() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(Coroutine.activeCount == before)
        try right.sendAll("x")
        #expect(try left.receiveText() == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one that the main coroutine has not heard of when its code ends changes nothing`(
      on backend: BackendUnderTest
    ) throws {
      var hasHandled = false
      try backend.run {
        try Coroutine.signal(SIGUSR1) { _ in hasHandled = true }
        Coroutine { try Coroutine.sleep(for: .milliseconds(1)) }.start()
        Coroutine.main.cancel()
      }
      #expect(!hasHandled)
    }
  }
}
