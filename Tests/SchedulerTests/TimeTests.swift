import CoroutineAPI
import Testing

/// Sleeping, in virtual time.
@Suite struct Time {
  @Test func `a year's sleep takes no time`() throws {
    try withScript { backend in
      let start = Instant.kernelNow
      try Coroutine.sleep(for: .year)
      #expect(backend.elapsed == .year)
      #expect(backend.waits.count == 1)
      #expect(Instant.kernelNow - start < .seconds(60))
    }
  }

  @Test func `the loop's clock is the backend's`() throws {
    try withScript { backend in
      backend.now = Instant(nanoseconds: 4_711)
      #expect(Instant.now == Instant(nanoseconds: 4_711))
    }
  }

  @Test(arguments: [
    (1e-10, 1), (1e-9, 1), (1.5e-9, 2), (0.1, 100_000_000), (1.000_000_000_1, 1_000_000_001),
    (1e-300, 1),
  ])
  func `a fraction of a nanosecond is rounded up`(seconds: Double, nanoseconds: Int64) throws {
    try withScript { backend in
      try Coroutine.sleep(seconds)
      #expect(backend.now == Instant(nanoseconds: nanoseconds))
    }
  }

  @Test func `so is a fraction in a Duration`() throws {
    try withScript { backend in
      try Coroutine.sleep(for: Duration(secondsComponent: 0, attosecondsComponent: 1))
      #expect(backend.now == Instant(nanoseconds: 1))
    }
  }

  @Test(arguments: [Double.infinity, .greatestFiniteMagnitude, 1e10, 9_223_372_036.854_775_807])
  func `seconds beyond the clock's range sleep for ever`(seconds: Double) throws {
    try withScript { backend in
      try Coroutine.sleep(seconds)
      #expect(backend.waits == [.until(.distantFuture)])
    }
  }

  @Test(arguments: [Duration.seconds(Int64.max), .year * 300])
  func `so do durations beyond it`(duration: Duration) throws {
    try withScript { backend in
      try Coroutine.sleep(for: duration)
      #expect(backend.waits == [.until(.distantFuture)])
    }
  }

  @Test(arguments: [-1, -.infinity, .nan, -1e-300])
  func `a negative time or none at all is refused`(seconds: Double) throws {
    try withScript { backend in
      expectError(.invalidArgument) { try Coroutine.sleep(seconds) }
      #expect(backend.waits.isEmpty)
    }
  }

  @Test func `a negative duration is refused`() throws {
    try withScript { _ in
      let shortest = Duration(secondsComponent: 0, attosecondsComponent: -1)
      expectError(.invalidArgument) { try Coroutine.sleep(for: shortest) }
    }
  }

  @Test(arguments: [0.0, -0.0])
  func `zero seconds yield without asking the kernel`(seconds: Double) throws {
    try withScript { backend in
      var others = 0
      Coroutine {
        try Coroutine.sleep()
        others += 1
      }.start()
      try Coroutine.sleep(seconds)
      #expect(others == 1)
      #expect(backend.waits.isEmpty)
    }
  }

  @Test func `a deadline that is past yields`() throws {
    try withScript { backend in
      backend.pass(.seconds(10))
      try Coroutine.sleep(until: Instant(nanoseconds: 1))
      try Coroutine.sleep(until: .now)
      #expect(backend.elapsed == .seconds(10))
      #expect(backend.waits.isEmpty)
    }
  }

  @Test func `a deadline is kept to the nanosecond`() throws {
    try withScript { backend in
      try Coroutine.sleep(until: .now + .nanoseconds(123_456_789))
      #expect(backend.elapsed == .nanoseconds(123_456_789))
    }
  }

  @Test func `a wait that returns early for no reason ends no sleep`() throws {
    try withScript { backend in
      for early in [1, 2, 3] { backend.after(.seconds(early)) {} }
      try Coroutine.sleep(10)
      #expect(backend.elapsed == .seconds(10))
      #expect(backend.waits == Array(repeating: .until(Instant.zero + .seconds(10)), count: 4))
    }
  }

  @Test func `wake ends one wait, also one that comes later`() throws {
    try withScript { backend in
      backend.wake()
      backend.wake()
      try Coroutine.sleep(10)
      #expect(backend.elapsed == .seconds(10))
      #expect(backend.waits.count == 2)
    }
  }

  @Test func `when a wait returns late, all whose time has come wake in order`() throws {
    try withScript { backend in
      backend.lateness = .seconds(5)
      var log: [Int] = []
      for number in [3, 9, 1, 2] {
        Coroutine {
          try Coroutine.sleep(for: .seconds(number))
          log.append(number)
        }.start()
      }
      try Coroutine.sleep(4)
      #expect(log == [1, 2, 3])
      #expect(backend.waits == [.until(Instant.zero + .seconds(1))])
    }
  }

  @Test func `the wait is for the earliest deadline, whoever set it last`() throws {
    try withScript { backend in
      for seconds in [30, 20, 10] {
        Coroutine { try Coroutine.sleep(for: .seconds(seconds)) }.start()
      }
      try Coroutine.sleep(5)
      #expect(backend.waits == [.until(Instant.zero + .seconds(5))])
    }
    // The end of the loop waited for the others, each in its turn.
  }
}

extension Instant {
  static var zero: Instant { Instant(nanoseconds: 0) }
}
