import CoroutineAPI
import Testing

extension Conformance {
  /// What `Coroutine.run(on:)` gives back, and where it can be called.
  @Suite struct Loops {
    struct Failure: Error, Equatable {}

    @Test(arguments: BackendUnderTest.selected)
    func `run returns what its body returns`(on backend: BackendUnderTest) throws {
      let result = try backend.run { () throws -> [Int] in
        try Coroutine.sleep()
        return [1, 2, 3]
      }
      #expect(result == [1, 2, 3])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `run throws what its body throws`(on backend: BackendUnderTest) throws {
      #expect(throws: Failure()) {
        try backend.run {
          try Coroutine.sleep()
          throw Failure()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `after a body that throws the others still run to their end`(
      on backend: BackendUnderTest
    ) throws {
      let log = EventLog()
      #expect(throws: Failure()) {
        try backend.run {
          Coroutine {
            try Coroutine.sleep(for: .milliseconds(1))
            log.note("worker")
          }.start()
          Coroutine(daemon: true) {
            defer { log.note("daemon") }
            try Coroutine.sleep(.infinity)
          }.start()
          throw Failure()
        }
      }
      #expect(log.events == ["worker", "daemon"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a body with typed errors makes run typed`(on backend: BackendUnderTest) throws {
      try backend.run {}
      let choice = backend.choice
      let error = caught { () throws(CoroutineError) in
        try Coroutine.run(on: choice) { () throws(CoroutineError) -> Int in
          try Coroutine.sleep(-1)
          return 1
        }
      }
      #expect(error?.code == .invalidArgument)
      let value = try Coroutine.run(on: choice) { () throws(CoroutineError) -> Int in 7 }
      #expect(value == 7)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a run inside a run is misuse`(on backend: BackendUnderTest) throws {
      try backend.run {
        let choice = backend.choice
        var errors: [CoroutineError?] = []
        func nested() {
          errors.append(
            caught { () throws(CoroutineError) in
              try Coroutine.run(on: choice) { () throws(CoroutineError) in }
            })
        }
        nested()
        Coroutine { nested() }.start()
        #expect(errors.map(\.?.code) == [.misuse, .misuse])
        // The loop is as good as before.
        try Coroutine.sleep(for: .microseconds(100))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a blocking call on a thread without a loop is misuse and says what to do`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let errors = onNewThread { () -> [CoroutineError?] in
          [
            caught { () throws(CoroutineError) in try Coroutine.sleep(1) },
            caught { () throws(CoroutineError) in try Coroutine.sleep() },
            caught { () throws(CoroutineError) in try Coroutine.sleep(until: .distantFuture) },
            caught { () throws(CoroutineError) in try Coroutine.pipe() },
            caught { () throws(CoroutineError) in try Coroutine.socket(.unix, .stream) },
            caught { () throws(CoroutineError) in try Coroutine.socketPair() },
            caught { () throws(CoroutineError) in try Coroutine.signal(10) { _ in } },
            caught { () throws(CoroutineError) in try Coroutine {}.join() },
          ]
        }
        #expect(errors.count == 8)
        for error in errors {
          #expect(error?.code == .misuse)
          #expect(error?.description.contains("Coroutine.run(on:") == true)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `any thread can run a loop`(on backend: BackendUnderTest) throws {
      try backend.run {}
      let choice = backend.choice
      let result = onNewThread { () -> Int in
        (try? Coroutine.run(on: choice) {
          var sum = 0
          let coroutine = Coroutine {
            for number in 1...4 {
              try Coroutine.sleep(for: .microseconds(100))
              sum += number
            }
          }
          coroutine.start()
          try coroutine.join()
          return sum
        }) ?? -1
      }
      #expect(result == 10)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `loops on several threads do not disturb each other`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let choice = backend.choice
        let threads = (0..<4).map { number in
          ThreadJob { () -> Int in
            (try? Coroutine.run(on: choice) {
              var turns = 0
              let coroutines = (0..<20).map { _ in
                Coroutine {
                  for _ in 0..<20 {
                    try Coroutine.sleep(for: .microseconds(number * 10))
                    turns += 1
                  }
                }
              }
              for coroutine in coroutines { coroutine.start() }
              for coroutine in coroutines { try coroutine.join() }
              return turns
            }) ?? -1
          }
        }
        for thread in threads { #expect(thread.join() == 400) }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `loops follow each other and leave no descriptor open`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {}
      let choice = backend.choice
      // Counted on both sides of the same number of loops, and on the same thread.
      func runLoops() throws {
        for _ in 0..<25 {
          try Coroutine.run(on: choice) {
            let (reader, writer) = try Coroutine.pipe()
            Coroutine(daemon: true) {
              defer { withExtendedLifetime(writer) {} }
              var buffer = [UInt8](repeating: 0, count: 8)
              _ = try reader.read(into: &buffer)
            }.start()
            try Coroutine.sleep(for: .microseconds(10))
          }
        }
      }
      try runLoops()
      // Other tests of the process may open and close some at the same time.
      let isFlat = try (0..<20).contains { _ in
        let before = openDescriptorCount()
        try runLoops()
        return openDescriptorCount() <= before
      }
      #expect(isFlat)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a backend that cannot be made is the error of run`(on backend: BackendUnderTest) throws {
      try backend.run {}
      let broken = BackendChoice("broken") { () throws(CoroutineError) in
        throw CoroutineError(.unavailable, call: "the broken backend", detail: "out of order")
      }
      var hasRun = false
      let error = caught { () throws(CoroutineError) in
        try Coroutine.run(on: broken) { () throws(CoroutineError) in hasRun = true }
      }
      #expect(error?.code == .unavailable)
      #expect(error?.description == "the broken backend: out of order")
      #expect(!hasRun)
      // The thread is as it was: it can have a loop.
      let value = try Coroutine.run(on: backend.choice) { 1 }
      #expect(value == 1)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `each loop has a main coroutine of its own`(on backend: BackendUnderTest) throws {
      let first = try backend.run { Coroutine.main }
      let second = try backend.run { Coroutine.main }
      #expect(first !== second)
      #expect(first.ident != second.ident)
      #expect(!first.isAlive)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a hook does not outlive its loop`(on backend: BackendUnderTest) throws {
      try backend.run { Coroutine.uncaughtErrorHook = { _, _ in } }
      let hasHook = try backend.run { Coroutine.uncaughtErrorHook != nil }
      #expect(!hasHook)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a loop releases what its coroutines held`(on backend: BackendUnderTest) throws {
      let counter = Counted.Counter()
      try backend.run {
        for isDaemon in [true, false] {
          let captured = Counted(counter)
          Coroutine(daemon: isDaemon) {
            let own = Counted(counter)
            try Coroutine.sleep(isDaemon ? .infinity : 0)
            _ = (captured, own)
          }.start()
        }
        #expect(counter.alive == 4)
      }
      #expect(counter.made == 4)
      #expect(counter.alive == 0)
    }
  }
}
