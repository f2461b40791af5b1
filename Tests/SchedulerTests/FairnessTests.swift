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
