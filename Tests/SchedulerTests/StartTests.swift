import CoroutineAPI
import Glibc
import Testing

/// Starting, with memory and without.
@Suite struct Starts {
  @Test func `without memory for a stack the hook is told, join throws, and the others go on`()
    throws
  {
    try withScript { backend in
      var reports: [String] = []
      Coroutine.uncaughtErrorHook = { coroutine, error in
        reports.append("\(coroutine.name): \(error)")
      }
      var hasRun = false
      let greedy = Coroutine(name: "greedy", stackSize: .max / 2) { hasRun = true }
      greedy.start()
      #expect(!hasRun && !greedy.isAlive)
      #expect(reports.count == 1)
      #expect(reports.first?.hasPrefix("greedy: Coroutine.start greedy: ") == true)
      #expect(reports.first?.contains("no stack of ") == true)
      for _ in 0..<2 {
        let error = #expect(throws: CoroutineError.self) { try greedy.join() }
        #expect(error?.code == .system)
        #expect(error?.errno == .noMemory)
      }
      let modest = Coroutine { try Coroutine.sleep(1) }
      modest.start()
      try modest.join()
      #expect(backend.elapsed == .seconds(1))
      #expect(Coroutine.activeCount == 1)
    }
  }

  @Test(arguments: [Int.max, .max - 1, .max / 2])
  func `no size of a stack overflows anything`(size: Int) throws {
    try withScript { _ in
      Coroutine.uncaughtErrorHook = { _, _ in }
      let coroutine = Coroutine(stackSize: size) {}
      coroutine.start()
      expectError(.system) { try coroutine.join() }
    }
  }

  @Test(arguments: [Int.min, -1, 0, 1, 100_000, 50_000_000])
  func `any size that is to be had will do`(size: Int) throws {
    try withScript { _ in
      var hasRun = false
      let coroutine = Coroutine(stackSize: size) {
        try Coroutine.sleep(1)
        hasRun = true
      }
      coroutine.start()
      try coroutine.join()
      #expect(hasRun)
    }
  }

  @Test func `a larger stack bears deeper recursion`() throws {
    func depth(_ number: Int) -> Int {
      var pad = InlineArray<4096, UInt8>(repeating: UInt8(truncatingIfNeeded: number))
      if number == 0 { return 0 }
      let below = depth(number - 1)
      pad[number & 4095] = 1
      return below + Int(pad[number & 4095])
    }
    try withScript { _ in
      var result = 0
      Coroutine(stackSize: 16 << 20) { result = depth(1_000) }.start()
      #expect(result == 1_000)
    }
  }

  @Test func `many live at once, each on its own stack`() throws {
    try withScript { _ in
      var sum = 0
      for number in 0..<2_000 {
        Coroutine {
          let mine = number
          try Coroutine.sleep(for: .seconds(1 + number % 7))
          sum += mine
        }.start()
      }
      #expect(Coroutine.activeCount == 2_001)
      try Coroutine.sleep(10)
      #expect(sum == 1_999_000)
      #expect(Coroutine.activeCount == 1)
    }
  }

  @Test(arguments: [nil, 100_000, 1 << 20])
  func `where nothing can run the wait is on the stack of who ended last`(size: Int?) throws {
    try withScript { backend in
      for round in 0..<50 {
        for number in 0..<3 {
          Coroutine(stackSize: size) { try Coroutine.sleep(for: .seconds(1 + number)) }.start()
        }
        try Coroutine.sleep(5)
        #expect(backend.elapsed == .seconds(5 * (round + 1)))
      }
    }
  }

  @Test func `a coroutine is freed when it ends`() throws {
    final class Token {}
    try withScript { _ in
      weak var token: Token?
      weak var coroutine: Coroutine?
      do {
        let strong = Token()
        token = strong
        let started = Coroutine {
          try Coroutine.sleep(1)
          _ = strong
        }
        coroutine = started
        started.start()
      }
      #expect(token != nil && coroutine != nil)
      try Coroutine.sleep(2)
      #expect(token == nil && coroutine == nil)
    }
  }

  @Test func `starting twice traps`() async {
    await #expect(processExitsWith: .failure) {
      try withScript { _ in
        let coroutine = Coroutine {}
        coroutine.start()
        coroutine.start()
      }
    }
  }

  @Test func `a join before the start, and of oneself, are misuse`() throws {
    try withScript { _ in
      expectError(.misuse) { try Coroutine {}.join() }
      expectError(.misuse) { try Coroutine.current.join() }
    }
  }
}
