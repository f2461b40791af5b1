import CoroutineAPI
import Testing

extension Conformance {
  /// `Coroutine.sleep`, after Python's `time.sleep`.
  @Suite struct Sleeping {
    @Test(arguments: BackendUnderTest.selected)
    func `wakes in the order of the deadlines`(on backend: BackendUnderTest) throws {
      try backend.run {
        var log: [Int] = []
        try startAhead { begin in
          log = []
          return [3, 1, 4, 2].map { number in
            Coroutine {
              try Coroutine.sleep(until: begin + .microseconds(number * 100))
              log.append(number)
            }
          }
        }
        #expect(log == [1, 2, 3, 4])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `equal deadlines wake in the order in which they were set`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var log: [Int] = []
        try startAhead { deadline in
          log = []
          return (0..<100).map { number in
            Coroutine {
              try Coroutine.sleep(until: deadline)
              log.append(number)
            }
          }
        }
        #expect(log == Array(0..<100))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `zero seconds let those go first that can run`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        Coroutine {
          log.note("a")
          try Coroutine.sleep(0)
          log.note("c")
        }.start()
        log.note("b")
        try Coroutine.sleep()
        log.note("d")
        #expect(log.events == ["a", "b", "c", "d"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `zero seconds return when nobody else can run`(on backend: BackendUnderTest) throws {
      try backend.run {
        for _ in 0..<1000 { try Coroutine.sleep() }
        try Coroutine.sleep(for: .zero)
        try Coroutine.sleep(-0.0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a sleep of some seconds never ends early`(on backend: BackendUnderTest) throws {
      try backend.run {
        for seconds in [1e-9, 1e-6, 0.0001, 0.0015, 0.003] {
          let deadline = Instant.now + .nanoseconds(Int64(seconds * 1e9))
          try Coroutine.sleep(seconds)
          #expect(Instant.now >= deadline)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a sleep for a duration never ends early`(on backend: BackendUnderTest) throws {
      try backend.run {
        for microseconds in stride(from: 1, to: 2000, by: 123) {
          let deadline = Instant.now + .microseconds(microseconds)
          try Coroutine.sleep(for: .microseconds(microseconds))
          #expect(Instant.now >= deadline)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a part of a nanosecond still suspends`(on backend: BackendUnderTest) throws {
      try backend.run {
        let start = Instant.now
        try Coroutine.sleep(for: Duration(secondsComponent: 0, attosecondsComponent: 1))
        try Coroutine.sleep(1e-12)
        #expect(Instant.now > start)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a sleep until an instant ends at that instant or later`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let deadline = Instant.now + .milliseconds(3)
        try Coroutine.sleep(until: deadline)
        #expect(Instant.now >= deadline)
        // Generous, because the machine may be busy; it tells a unit mistaken for another.
        #expect(Instant.now < deadline + .seconds(2))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a sleep until a past instant yields`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        Coroutine {
          try Coroutine.sleep()
          log.note("other")
        }.start()
        try Coroutine.sleep(until: .now - .seconds(1))
        log.note("main")
        try Coroutine.sleep(until: Instant(nanoseconds: .min))
        #expect(log.events == ["other", "main"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a negative time is an invalid argument`(on backend: BackendUnderTest) throws {
      try backend.run {
        for seconds in [-1, -1e-300, -Double.infinity] {
          let error = caught { () throws(CoroutineError) in try Coroutine.sleep(seconds) }
          #expect(error?.code == .invalidArgument)
        }
        for duration: Duration in [.nanoseconds(-1), .seconds(Int64.min)] {
          let error = caught { () throws(CoroutineError) in try Coroutine.sleep(for: duration) }
          #expect(error?.code == .invalidArgument)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what is not a number is an invalid argument`(on backend: BackendUnderTest) throws {
      try backend.run {
        for seconds in [Double.nan, -Double.nan, .signalingNaN] {
          let error = caught { () throws(CoroutineError) in try Coroutine.sleep(seconds) }
          #expect(error?.code == .invalidArgument)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an infinite sleep ends by cancellation only`(on backend: BackendUnderTest) throws {
      var codes: [CoroutineError.Code?] = []
      try backend.run {
        Coroutine(daemon: true) {
          codes.append(
            caught { () throws(CoroutineError) in try Coroutine.sleep(.infinity) }?.code)
        }.start()
        try Coroutine.sleep(for: .milliseconds(2))
        #expect(codes.isEmpty)
      }
      #expect(codes == [.cancelled])
    }

    private static func sleepHugely(_ kind: Int) throws(CoroutineError) {
      switch kind {
      case 0: try Coroutine.sleep(1e300)
      case 1: try Coroutine.sleep(9.3e9)
      case 2: try Coroutine.sleep(for: .seconds(Int64.max))
      case 3: try Coroutine.sleep(until: .distantFuture)
      default: try Coroutine.sleep(until: Instant(nanoseconds: .max - 1))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a huge sleep ends by cancellation only`(on backend: BackendUnderTest) throws {
      var codes: [CoroutineError.Code?] = []
      try backend.run {
        for kind in 0..<5 {
          Coroutine(daemon: true) {
            codes.append(
              caught { () throws(CoroutineError) in try Self.sleepHugely(kind) }?.code)
          }.start()
        }
        try Coroutine.sleep(for: .milliseconds(2))
        #expect(codes.isEmpty)
      }
      #expect(codes == Array(repeating: .cancelled, count: 5))
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an earlier deadline set later wakes first`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        // Far enough away for any machine; the loop's end cancels it.
        Coroutine(daemon: true) {
          try Coroutine.sleep(for: .seconds(60))
          log.note("late")
        }.start()
        let middle = Coroutine {
          // The kernel waits for the late one by now.
          try Coroutine.sleep(for: .milliseconds(1))
          let early = Coroutine {
            try Coroutine.sleep(for: .milliseconds(1))
            log.note("early")
          }
          early.start()
          try early.join()
        }
        middle.start()
        try middle.join()
        #expect(log.events == ["early"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a timer that is no longer needed wakes nobody`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        let target = Coroutine { try Coroutine.sleep() }
        target.start()
        let joiner = Coroutine {
          let hasEnded = try target.join(timeout: .milliseconds(1))
          log.note("\(hasEnded)")
          try Coroutine.sleep(for: .milliseconds(4))
          log.note("slept")
        }
        joiner.start()
        let deadline = Instant.now + .milliseconds(4)
        try joiner.join()
        #expect(log.events == ["true", "slept"])
        #expect(Instant.now >= deadline)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the clock never goes back`(on backend: BackendUnderTest) throws {
      try backend.run {
        var previous = Instant.now
        for turn in 0..<2000 {
          if turn % 100 == 0 { try Coroutine.sleep() }
          let now = Instant.now
          #expect(now >= previous)
          previous = now
        }
      }
    }
  }
}
