@testable import CoroutineAPI
import Testing

/// The budget: how often the kernel is asked for news while coroutines are busy.
@Suite struct Fairness {
  @Test func `busy yielding does not starve an operation`() throws {
    try withScript { backend in
      let end = scripted()
      var isDone = false
      Coroutine {
        try end.readSome()
        isDone = true
      }.start()
      backend.finish(end.number, 1)
      var yields = 0
      while !isDone && yields < 1_000_000 {
        try Coroutine.sleep()
        yields += 1
      }
      #expect(yields <= Int(SchedulerCore.budgetStart) + 1)
      #expect(backend.waits == [.poll])
    }
  }

  @Test func `busy yielding does not starve a sleeper`() throws {
    try withScript { backend in
      var isDone = false
      Coroutine {
        try Coroutine.sleep(for: .milliseconds(1))
        isDone = true
      }.start()
      while !isDone && backend.elapsed < .seconds(1) {
        backend.pass(.microseconds(5))
        try Coroutine.sleep()
      }
      // Late by one budget at most.
      #expect(backend.elapsed < .milliseconds(2))
    }
  }

  @Test func `two that yield to one another do not starve an operation`() throws {
    try withScript { backend in
      let end = scripted()
      var isDone = false
      var yields = 0
      Coroutine {
        try end.readSome()
        isDone = true
      }.start()
      backend.finish(end.number, 1)
      for _ in 0..<2 {
        Coroutine {
          while !isDone && yields < 1_000_000 {
            try Coroutine.sleep()
            yields += 1
          }
        }.start()
      }
      try Coroutine.sleep(1)
      #expect(yields <= Int(SchedulerCore.budgetStart) + 2)
    }
  }

  @Test func `starting coroutines does not starve an operation`() throws {
    try withScript { backend in
      let end = scripted()
      var isDone = false
      Coroutine {
        try end.readSome()
        isDone = true
      }.start()
      backend.finish(end.number, 1)
      for _ in 0..<Int(SchedulerCore.budgetStart) + 1 { Coroutine {}.start() }
      try Coroutine.sleep()
      #expect(isDone)
    }
  }

  @Test func `operations that finish at once give the others their turn`() throws {
    try withScript { backend in
      backend.answer = { _ in 1 }
      let end = scripted()
      var others = 0
      Coroutine(daemon: true) {
        while true {
          try Coroutine.sleep()
          others += 1
        }
      }.start()
      for _ in 0..<Int(SchedulerCore.budgetStart) + 1 { try end.readSome() }
      #expect(others > 0)
      #expect(backend.waits.isEmpty)
    }
  }

  @Test func `operations that finish at once do not starve one that waits`() throws {
    try withScript { backend in
      let (slow, quick) = (scripted(1), scripted(2))
      let slowNumber = slow.number
      // Only its read waits: in release it is closed as soon as the coroutine has ended.
      backend.answer = { kind in
        if case .read(slowNumber, _) = kind { nil } else { 1 }
      }
      var isDone = false
      Coroutine {
        try slow.readSome()
        isDone = true
      }.start()
      backend.finish(slowNumber, 1)
      for _ in 0..<Int(SchedulerCore.budgetStart) + 1 { try quick.readSome() }
      #expect(isDone)
      backend.answer = { _ in 0 }
    }
  }

  @Test func `with nothing in flight the kernel is not asked`() throws {
    try withScript { backend in
      for _ in 0..<100_000 { try Coroutine.sleep() }
      #expect(backend.waits.isEmpty)
    }
  }

  @Test func `where no clock runs, starting coroutines does not starve an operation`() throws {
    try withScript { backend in
      let end = scripted()
      var isDone = false
      Coroutine {
        try end.readSome()
        isDone = true
      }.start()
      backend.finish(end.number, 1)
      // Two others that can run, so that a round is never over.
      for _ in 0..<2 { Coroutine(daemon: true) { while true { try Coroutine.sleep() } }.start() }
      for _ in 0..<200_000 where backend.waits.isEmpty { Coroutine {}.start() }
      #expect(backend.waits == [.poll])
      while !isDone { try Coroutine.sleep() }
    }
  }

  @Test func `after a wait that blocked, too, who computes is noticed`() throws {
    try withScript { backend in
      let ends = (1...100).map { scripted(CInt($0)) }
      let readers = ends.map { end in
        Coroutine {
          try end.readSome()
          backend.pass(.milliseconds(5))
          try Coroutine.sleep()
        }
      }
      for reader in readers { reader.start() }
      let idle = scripted(101)
      let idler = Coroutine { try idle.readSome() }
      idler.start()
      for end in ends { backend.finish(end.number, 1) }
      try readers[99].join()
      // Once the first budget is spent, after each.
      #expect(backend.waits.count(where: { $0 == .poll }) >= 100 - Int(SchedulerCore.budgetStart))
      backend.finish(idle.number, 1)
      try idler.join()
    }
  }

  /// Lets so many coroutines take turns for a while, on a kernel with something in flight.
  ///
  /// - Returns: How often it was asked for news.
  private func looks(
    _ count: Int, for time: Duration, _ turn: @escaping (ScriptedBackend, Int) -> Void
  ) throws -> Int {
    try withScript { backend in
      let end = scripted()
      let reader = Coroutine { _ = try? end.readSome() }
      reader.start()
      let others = (0..<count).map { number in
        Coroutine {
          while backend.elapsed < time {
            turn(backend, number)
            try Coroutine.sleep()
          }
        }
      }
      for other in others { other.start() }
      for other in others { try other.join() }
      let looks = backend.waits.count
      backend.finish(end.number, 1)
      try reader.join()
      return looks
    }
  }

  @Test func `whoever can run goes first, and then the kernel is asked`() throws {
    // 20 rounds of half a millisecond each.
    let looks = try looks(50, for: .milliseconds(10)) { backend, _ in
      backend.pass(.microseconds(10))
    }
    #expect((17...23).contains(looks), "\(looks)")
  }

  @Test func `where many can run the kernel is asked after a millisecond`() throws {
    let looks = try looks(1000, for: .milliseconds(30)) { backend, _ in
      backend.pass(.microseconds(10))
    }
    #expect((27...33).contains(looks), "\(looks)")
  }

  @Test func `where somebody computes the kernel is asked before each has had a turn`() throws {
    // 10 rounds, after each of which it would be asked anyway.
    let looks = try looks(50, for: .milliseconds(50)) { backend, number in
      backend.pass(.microseconds(number < 5 ? 1000 : 1))
    }
    #expect(looks > 30, "\(looks)")
  }

  @Test func `a time that comes is noticed without the kernel`() throws {
    var end: Duration?
    _ = try looks(50, for: .milliseconds(10)) { backend, number in
      if number == 49, end == nil, backend.elapsed > .milliseconds(5) {
        let start = backend.elapsed
        end = .zero
        Coroutine {
          try Coroutine.sleep(for: .microseconds(210))
          end = backend.elapsed - start
        }.start()
      }
      backend.pass(.microseconds(10))
    }
    // A round, and what the clock's looks are apart, but not two rounds.
    #expect(try #require(end) <= .microseconds(210 + 500 + 200), "\(end as Duration?)")
  }

  @Test func `the budget doubles up to its limit while intervals are short`() throws {
    try withScript { _ in
      var budgets: [Int32] = [loop.budgetMax]
      for _ in 0..<100_000 {
        try Coroutine.sleep()
        if budgets.last != loop.budgetMax { budgets.append(loop.budgetMax) }
      }
      #expect(budgets == [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384])
    }
  }

  @Test func `a budget that lasts long is cut to what takes 100 µs`() throws {
    try withScript { backend in
      var budgets: [Int32] = [loop.budgetMax]
      for _ in 0..<1_000 {
        backend.pass(.microseconds(10))
        try Coroutine.sleep()
        if budgets.last != loop.budgetMax { budgets.append(loop.budgetMax) }
      }
      #expect(budgets == [64, 10])
    }
  }

  @Test func `the budget is never less than one`() throws {
    try withScript { backend in
      for _ in 0..<200 {
        backend.pass(.milliseconds(10))
        try Coroutine.sleep()
      }
      #expect(loop.budgetMax == 1)
    }
  }

  @Test(arguments: [(50, 64), (49, 128), (200, 64), (201, 31)])
  func `from 50 to 200 µs the budget stays`(microseconds: Int, expected: Int32) throws {
    try withScript { backend in
      backend.pass(.microseconds(microseconds))
      while budget > 1 { try Coroutine.sleep() }
      try Coroutine.sleep()
      #expect(loop.budgetMax == expected)
    }
  }

  @Test func `time in which nothing could run does not shrink the budget`() throws {
    try withScript { _ in
      for _ in 0..<1_000 {
        try Coroutine.sleep(1)
        for _ in 0..<3 { try Coroutine.sleep() }
      }
      #expect(loop.budgetMax >= SchedulerCore.budgetStart)
    }
  }
}
