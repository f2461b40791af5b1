import CoroutineAPI
import Testing

extension Conformance {
  /// `join()` and `join(timeout:)`, after Python's `threading.Thread.join`.
  @Suite struct Joining {
    @Test(arguments: BackendUnderTest.selected)
    func `join returns at once when the coroutine has ended`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        let ended = Coroutine {}
        ended.start()
        Coroutine {
          try Coroutine.sleep()
          log.note("other")
        }.start()
        try ended.join()
        log.note("joined")
        #expect(log.events == ["joined"])
        try ended.join()
        #expect(log.events == ["joined"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `join waits for the end`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        let coroutine = Coroutine {
          for turn in 1...3 {
            try Coroutine.sleep()
            log.note("\(turn)")
          }
        }
        coroutine.start()
        try coroutine.join()
        log.note("joined")
        #expect(log.events == ["1", "2", "3", "joined"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `several joiners go on in the order in which they came`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let log = EventLog()
        let target = Coroutine { try Coroutine.sleep() }
        target.start()
        let joiners = ["first", "second", "third"].map { name in
          Coroutine {
            try target.join()
            log.note(name)
          }
        }
        for joiner in joiners { joiner.start() }
        for joiner in joiners.reversed() { try joiner.join() }
        #expect(log.events == ["first", "second", "third"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a joiner that gives up leaves the others in order`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        var isReleased = false
        let target = Coroutine { while !isReleased { try Coroutine.sleep() } }
        target.start()
        let timeouts: [Duration?] = [nil, .milliseconds(1), .seconds(60), nil]
        let joiners = timeouts.enumerated().map { number, timeout in
          Coroutine { log.note("\(number) \(try target.join(timeout: timeout))") }
        }
        for joiner in joiners { joiner.start() }
        try joiners[1].join()
        isReleased = true
        for joiner in joiners { try joiner.join() }
        #expect(log.events == ["1 false", "0 true", "2 true", "3 true"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `join with a timeout is false while the coroutine lives`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let coroutine = Coroutine(daemon: true) { try Coroutine.sleep(.infinity) }
        coroutine.start()
        let deadline = Instant.now + .milliseconds(3)
        let hasEnded = try coroutine.join(timeout: .milliseconds(3))
        #expect(!hasEnded)
        #expect(Instant.now >= deadline)
        #expect(coroutine.isAlive)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `join with a timeout is true when the coroutine ends in time`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let coroutine = Coroutine { try Coroutine.sleep(for: .milliseconds(1)) }
        coroutine.start()
        let hasEnded = try coroutine.join(timeout: .seconds(60))
        #expect(hasEnded)
        #expect(!coroutine.isAlive)
        let hasStillEnded = try coroutine.join(timeout: .seconds(60))
        #expect(hasStillEnded)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `join that was in vain can be repeated`(on backend: BackendUnderTest) throws {
      try backend.run {
        var isReleased = false
        let coroutine = Coroutine { while !isReleased { try Coroutine.sleep() } }
        coroutine.start()
        for _ in 0..<3 { #expect(try !coroutine.join(timeout: .microseconds(200))) }
        isReleased = true
        try coroutine.join()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `join with no time does not suspend`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        let coroutine = Coroutine {
          try Coroutine.sleep()
          log.note("ran")
        }
        coroutine.start()
        for timeout: Duration in [.zero, .milliseconds(-1), .seconds(-1_000_000_000_000)] {
          let hasEnded = try coroutine.join(timeout: timeout)
          #expect(!hasEnded)
        }
        #expect(log.events == [])
        try coroutine.join()
        for timeout: Duration in [.zero, .milliseconds(-1)] {
          let hasEnded = try coroutine.join(timeout: timeout)
          #expect(hasEnded)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `join with nil or a huge timeout waits for ever`(on backend: BackendUnderTest) throws {
      try backend.run {
        for timeout: Duration? in [nil, .seconds(Int64.max)] {
          let coroutine = Coroutine { try Coroutine.sleep(for: .milliseconds(1)) }
          coroutine.start()
          let hasEnded = try coroutine.join(timeout: timeout)
          #expect(hasEnded)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `join before the start is misuse`(on backend: BackendUnderTest) throws {
      try backend.run {
        let coroutine = Coroutine(name: "early") {}
        let error = caught { () throws(CoroutineError) in try coroutine.join() }
        #expect(error?.code == .misuse)
        #expect(error?.description.contains("early") == true)
        let other = caught { () throws(CoroutineError) in try coroutine.join(timeout: .zero) }
        #expect(other?.code == .misuse)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `joining oneself is misuse`(on backend: BackendUnderTest) throws {
      try backend.run {
        var errors: [CoroutineError?] = []
        Coroutine {
          errors.append(
            caught { () throws(CoroutineError) in try Coroutine.current.join() })
        }.start()
        errors.append(caught { () throws(CoroutineError) in try Coroutine.main.join() })
        #expect(errors.map(\.?.code) == [.misuse, .misuse])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `join does not throw what the coroutine threw`(on backend: BackendUnderTest) throws {
      struct Failure: Error {}
      try backend.run {
        Coroutine.uncaughtErrorHook = { _, _ in }
        let coroutine = Coroutine {
          try Coroutine.sleep()
          throw Failure()
        }
        coroutine.start()
        try coroutine.join()
        #expect(!coroutine.isAlive)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a worker can join the main coroutine, whose body then ends`(
      on backend: BackendUnderTest
    ) throws {
      let log = EventLog()
      try backend.run {
        Coroutine {
          try Coroutine.main.join()
          log.note("worker: main ended, \(Coroutine.main.isAlive)")
        }.start()
        try Coroutine.sleep()
        log.note("main ends")
      }
      #expect(log.events == ["main ends", "worker: main ended, false"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a chain of joins ends from its far end`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        var previous: Coroutine?
        for number in 0..<50 {
          let target = previous
          let coroutine = Coroutine {
            if let target { try target.join() } else { try Coroutine.sleep() }
            log.note("\(number)")
          }
          coroutine.start()
          previous = coroutine
        }
        try previous?.join()
        #expect(log.events == (0..<50).map { "\($0)" })
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `join in a defer waits while an error is on its way`(on backend: BackendUnderTest) throws {
      struct Failure: Error {}
      try backend.run {
        let log = EventLog()
        let worker = Coroutine {
          try Coroutine.sleep(for: .milliseconds(1))
          log.note("worker")
        }
        func work() throws {
          worker.start()
          defer {
            #expect(throws: Never.self) { try worker.join() }
            log.note("defer")
          }
          throw Failure()
        }
        #expect(throws: Failure.self) { try work() }
        #expect(log.events == ["worker", "defer"])
      }
    }
  }
}
