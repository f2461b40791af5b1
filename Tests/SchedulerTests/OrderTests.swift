import CoroutineAPI
import Testing

/// Who runs, and who is next.
@Suite struct Order {
  @Test func `a started coroutine runs at once, and its starter goes on ahead of the queue`() throws
  {
    try withScript { _ in
      var log: [Int] = []
      Coroutine { log.append(0) }.start()
      Coroutine {
        log.append(12)
        try Coroutine.sleep()
        log.append(34)
      }.start()
      log.append(56)
      try Coroutine.sleep()
      #expect(log == [0, 12, 56, 34])
    }
  }

  @Test func `starters go on in the reverse order of their starts`() throws {
    try withScript { _ in
      var log: [String] = []
      Coroutine {
        Coroutine {
          log.append("inner")
          try Coroutine.sleep()
          log.append("inner again")
        }.start()
        log.append("outer")
        try Coroutine.sleep()
        log.append("outer again")
      }.start()
      log.append("main")
      try Coroutine.sleep()
      #expect(log == ["inner", "outer", "main", "inner again", "outer again"])
    }
  }

  @Test func `yields go round in the order of the queue`() throws {
    try withScript { _ in
      var log: [Int] = []
      for number in 0..<3 {
        Coroutine {
          for _ in 0..<3 {
            log.append(number)
            try Coroutine.sleep()
          }
        }.start()
      }
      for _ in 0..<3 { try Coroutine.sleep() }
      #expect(log == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    }
  }

  @Test func `sleepers wake in the order of their deadlines`() throws {
    try withScript { _ in
      var log: [Int] = []
      for number in [5, 1, 4, 2, 3] {
        Coroutine {
          try Coroutine.sleep(for: .seconds(number))
          log.append(number)
        }.start()
      }
      try Coroutine.sleep(6)
      #expect(log == [1, 2, 3, 4, 5])
    }
  }

  @Test func `equal deadlines wake in the order in which they were set`() throws {
    try withScript { backend in
      var log: [Int] = []
      for number in 0..<100 {
        Coroutine {
          try Coroutine.sleep(until: Instant(nanoseconds: 1_000))
          log.append(number)
        }.start()
      }
      try Coroutine.sleep(until: Instant(nanoseconds: 1_000))
      #expect(log == Array(0..<100))
      #expect(backend.waits == [.until(Instant(nanoseconds: 1_000))])
    }
  }

  @Test func `what finishes in one wait resumes in the order of the report`() throws {
    try withScript { backend in
      var log: [CInt] = []
      for number: CInt in 1...4 {
        let end = scripted(number)
        Coroutine {
          try end.readSome()
          log.append(number)
        }.start()
      }
      for number: CInt in [3, 1, 4, 2] { backend.finish(scripted(number).number, 1) }
      try Coroutine.sleep(1)
      #expect(log == [3, 1, 4, 2])
      #expect(backend.waits.count == 2)
    }
  }

  @Test func `what finished resumes before those whose time has come in the same wait`() throws {
    try withScript { backend in
      var log: [String] = []
      Coroutine {
        try Coroutine.sleep(1)
        log.append("sleeper")
      }.start()
      let end = scripted()
      Coroutine {
        try end.readSome()
        log.append("reader")
      }.start()
      backend.finish(end.number, after: .seconds(1), 1)
      try Coroutine.sleep(2)
      #expect(log == ["reader", "sleeper"])
    }
  }

  @Test func `joiners wake in the order in which they came`() throws {
    try withScript { _ in
      var log: [Int] = []
      let target = Coroutine { try Coroutine.sleep(1) }
      target.start()
      for number in 0..<3 {
        Coroutine {
          try target.join()
          log.append(number)
        }.start()
      }
      try target.join()
      #expect(log == [0, 1, 2])
    }
  }

  @Test func `a joiner that gives up leaves the others in order`() throws {
    try withScript { backend in
      var log: [String] = []
      let target = Coroutine { try Coroutine.sleep(3) }
      target.start()
      for (number, timeout) in [Duration?.none, .seconds(1), .none].enumerated() {
        Coroutine {
          let isOver = try target.join(timeout: timeout)
          log.append("\(number) \(isOver) \(backend.elapsed)")
        }.start()
      }
      try target.join()
      #expect(log == ["1 false 1.0 seconds", "0 true 3.0 seconds", "2 true 3.0 seconds"])
    }
  }

  @Test func `a join whose time is up when the target ends says whether it has`() throws {
    try withScript { _ in
      let target = Coroutine { try Coroutine.sleep(1) }
      target.start()
      let answers = [
        try target.join(timeout: .seconds(1)), try target.join(timeout: .seconds(1)),
        try target.join(timeout: .zero),
      ]
      #expect(answers == [true, true, true])
    }
  }
}
