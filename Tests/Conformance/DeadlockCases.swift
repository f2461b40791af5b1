import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Nothing can ever run again: an error that says who waits for whom, never a hang.
  @Suite struct Deadlocks {
    /// Two daemons that wait for each other's end.
    static func startCycle(_ log: EventLog = EventLog()) -> [Coroutine] {
      final class Ring {
        var members: [Coroutine] = []
      }
      let ring = Ring()
      ring.members = [("left", 1), ("right", 0)].map { (name: String, other: Int) in
        Coroutine(name: name, daemon: true) {
          try Coroutine.sleep()
          defer {
            ring.members = []
            log.note("\(name) ends")
          }
          let target = ring.members[other]
          try target.join()
        }
      }
      for member in ring.members { member.start() }
      return ring.members
    }

    @Test(arguments: BackendUnderTest.selected)
    func `coroutines that wait for each other are an error in the main coroutine`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let cycle = Self.startCycle()
        let error = caught { () throws(CoroutineError) in try cycle[0].join() }
        #expect(error?.code == .deadlock)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a deadlock's description names who waits, and for whom`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let cycle = Self.startCycle()
        let error = caught { () throws(CoroutineError) in try cycle[0].join() }
        let lines = (error?.description ?? "").split(separator: "\n").map(String.init)
        func line(_ waiter: String) -> String? {
          lines.first { $0.drop { $0 == " " }.hasPrefix(waiter) }
        }
        #expect(line("left")?.contains("end of right") == true, "\(lines)")
        #expect(line("right")?.contains("end of left") == true, "\(lines)")
        #expect(error?.description.contains("left (ident \(cycle[0].ident ?? 0))") == true)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `joining who joins the main coroutine is a deadlock`(
      on backend: BackendUnderTest
    ) throws {
      let log = EventLog()
      try backend.run {
        let worker = Coroutine {
          try Coroutine.main.join()
          log.note("worker ends")
        }
        worker.start()
        let error = caught { () throws(CoroutineError) in try worker.join() }
        #expect(error?.code == .deadlock)
        log.note("main ends")
      }
      // The error broke the cycle: the worker's wait was for the main coroutine's end.
      #expect(log.events == ["main ends", "worker ends"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `after a deadlock was caught the loop goes on`(on backend: BackendUnderTest) throws {
      try backend.run {
        let cycle = Self.startCycle()
        for _ in 0..<3 {
          let error = caught { () throws(CoroutineError) in try cycle[1].join() }
          #expect(error?.code == .deadlock)
        }
        var hasRun = false
        let coroutine = Coroutine {
          try Coroutine.sleep(for: .milliseconds(1))
          hasRun = true
        }
        coroutine.start()
        try coroutine.join()
        #expect(hasRun)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `deadlocked daemons are cancelled at the end`(on backend: BackendUnderTest) throws {
      let log = EventLog()
      try backend.run {
        _ = Self.startCycle(log)
        try Coroutine.sleep()
      }
      #expect(log.events.sorted() == ["left ends", "right ends"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a deadlock after the body's end is thrown by run, with the names`(
      on backend: BackendUnderTest
    ) throws {
      let log = EventLog()
      var caught: CoroutineError?
      do {
        try backend.run {
          let left = Coroutine(name: "lonely") {
            defer { log.note("defer") }
            try Coroutine.current.waitForSomeoneWhoWaits()
          }
          left.start()
        }
      } catch {
        caught = error as? CoroutineError
      }
      #expect(caught?.code == .deadlock)
      #expect(caught?.description.contains("lonely") == true)
      #expect(log.events == ["defer"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the body's error wins over a deadlock after it`(on backend: BackendUnderTest) throws {
      struct Failure: Error {}
      #expect(throws: Failure.self) {
        try backend.run {
          Coroutine { try Coroutine.current.waitForSomeoneWhoWaits() }.start()
          throw Failure()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `while a timer is set there is no deadlock`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        let cycle = Self.startCycle()
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(3))
          log.note("timer")
        }.start()
        let error = caught { () throws(CoroutineError) in try cycle[0].join() }
        log.note("\(String(describing: error?.code))")
        #expect(log.events == ["timer", "Optional(deadlock)"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a join with a timeout is no deadlock`(on backend: BackendUnderTest) throws {
      try backend.run {
        let cycle = Self.startCycle()
        let hasEnded = try cycle[0].join(timeout: .milliseconds(3))
        #expect(!hasEnded)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `while an operation is in flight there is no deadlock`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let log = EventLog()
        let cycle = Self.startCycle()
        let (reader, writer) = try Coroutine.pipe()
        Coroutine {
          var buffer = [UInt8](repeating: 0, count: 8)
          _ = try reader.read(into: &buffer)
          log.note("read")
        }.start()
        let descriptor = writer.fileDescriptor.rawValue
        let loop = TaskWatch()
        let thread = ThreadJob {
          loop.waitUntilAsleep()
          return Glibc.write(descriptor, "x", 1)
        }
        let error = caught { () throws(CoroutineError) in try cycle[0].join() }
        log.note("\(String(describing: error?.code))")
        #expect(thread.join() == 1)
        #expect(log.events == ["read", "Optional(deadlock)"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `while a signal handler is installed there is no deadlock`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let log = EventLog()
        let cycle = Self.startCycle()
        try Coroutine.signal(SIGURG) { number in
          log.note("handler")
          try Coroutine.signal(number, .default)
        }
        let loop = TaskWatch()
        let thread = ThreadJob {
          loop.waitUntilAsleep()
          return kill(getpid(), SIGURG)
        }
        let error = caught { () throws(CoroutineError) in try cycle[0].join() }
        log.note("\(String(describing: error?.code))")
        #expect(thread.join() == 0)
        #expect(log.events == ["handler", "Optional(deadlock)"])
      }
    }
  }
}

extension Coroutine {
  /// Waits for a coroutine that waits for this one.
  fileprivate func waitForSomeoneWhoWaits() throws(CoroutineError) {
    let me = self
    let other = Coroutine(name: "friend", daemon: true) { try me.join() }
    other.start()
    try other.join()
  }
}
