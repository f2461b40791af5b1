import CoroutineAPI
import Testing

extension Conformance {
  /// `Coroutine(target:args:)`, after Python's `threading.Thread(target=, args=)`.
  @Suite struct Targets {
    final class Ledger {
      var entries: [String] = []
      func enter(_ text: String, times: Int) {
        for _ in 0..<times { entries.append(text) }
      }
    }

    struct Refusal: Error, Equatable {}

    @Test(arguments: BackendUnderTest.selected)
    func `a target without arguments is called`(on backend: BackendUnderTest) throws {
      try backend.run {
        var calls = 0
        func target() { calls += 1 }
        Coroutine(target: target).start()
        #expect(calls == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a target gets its one argument`(on backend: BackendUnderTest) throws {
      try backend.run {
        var received: [String] = []
        func target(_ text: String) { received.append(text) }
        Coroutine(target: target, args: "hello").start()
        #expect(received == ["hello"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a target gets four arguments of different types`(on backend: BackendUnderTest) throws {
      try backend.run {
        var received: (Int, String, [Double], Bool?)?
        func target(_ a: Int, _ b: String, _ c: [Double], _ d: Bool?) { received = (a, b, c, d) }
        Coroutine(target: target, args: 1, "x", [2.5], nil).start()
        #expect(received?.0 == 1)
        #expect(received?.1 == "x")
        #expect(received?.2 == [2.5])
        #expect(received?.3 == .some(nil))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a target can block between its arguments' uses`(on backend: BackendUnderTest) throws {
      try backend.run {
        var log: [Int] = []
        func target(_ first: Int, _ second: Int, _ third: Int) throws {
          log.append(first)
          try Coroutine.sleep()
          log.append(second)
          try Coroutine.sleep()
          log.append(third)
        }
        let left = Coroutine(target: target, args: 1, 2, 3)
        let right = Coroutine(target: target, args: 10, 20, 30)
        left.start()
        right.start()
        try left.join()
        try right.join()
        #expect(log == [1, 10, 2, 20, 3, 30])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a method is a target`(on backend: BackendUnderTest) throws {
      try backend.run {
        let ledger = Ledger()
        Coroutine(target: ledger.enter, args: "paid", 2).start()
        #expect(ledger.entries == ["paid", "paid"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what a target returns is dropped`(on backend: BackendUnderTest) throws {
      try backend.run {
        let counter = Counted.Counter()
        func target() -> Counted { Counted(counter) }
        Coroutine(target: target).start()
        #expect(counter.made == 1)
        #expect(counter.alive == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an initialiser is a target`(on backend: BackendUnderTest) throws {
      try backend.run {
        let counter = Counted.Counter()
        Coroutine(target: Counted.init, args: counter).start()
        #expect(counter.made == 1)
        #expect(counter.alive == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the typed error of a target reaches the hook as it is`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var reported: [any Error] = []
        Coroutine.uncaughtErrorHook = { reported.append($1) }
        func target(_ number: Int) throws(Refusal) { if number > 0 { throw Refusal() } }
        Coroutine(target: target, args: 1).start()
        #expect(reported.count == 1)
        #expect(reported.first is Refusal)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a target that throws CoroutineError and returns a value is called`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var turns = 0
        func target(_ count: Int) throws(CoroutineError) -> Int {
          for _ in 0..<count {
            try Coroutine.sleep()
            turns += 1
          }
          return turns
        }
        let coroutine = Coroutine(target: target, args: 3)
        coroutine.start()
        try coroutine.join()
        #expect(turns == 3)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a target takes name, daemon and stackSize beside its arguments`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var seen = ""
        func target(_ text: String) { seen = text }
        let coroutine = Coroutine(
          target: target, args: "x", name: "worker", daemon: true, stackSize: 64 * 1024)
        #expect(coroutine.name == "worker")
        #expect(coroutine.isDaemon)
        coroutine.start()
        #expect(seen == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `arguments are what they were when the coroutine was made`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var numbers = [1, 2]
        var received: [Int] = []
        let coroutine = Coroutine(target: { (list: [Int]) in received = list }, args: numbers)
        numbers.append(3)
        coroutine.start()
        #expect(received == [1, 2])
        #expect(numbers == [1, 2, 3])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a closure and its captures are released when it has run`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let counter = Counted.Counter()
        func make() -> Coroutine {
          let captured = Counted(counter)
          return Coroutine {
            try Coroutine.sleep()
            _ = captured
          }
        }
        let coroutine = make()
        #expect(counter.alive == 1)
        coroutine.start()
        #expect(counter.alive == 1)
        try coroutine.join()
        #expect(counter.alive == 0, "while the coroutine's object is still referred to")
        _ = coroutine
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `arguments are released when the target has run`(on backend: BackendUnderTest) throws {
      try backend.run {
        let counter = Counted.Counter()
        func target(_ first: Counted, _ second: Counted) throws { try Coroutine.sleep() }
        let coroutine = Coroutine(target: target, args: Counted(counter), Counted(counter))
        coroutine.start()
        #expect(counter.alive == 2)
        try coroutine.join()
        #expect(counter.alive == 0)
        #expect(counter.made == 2)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a closure that never ran is released with its coroutine`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let counter = Counted.Counter()
        var coroutine: Coroutine? = Coroutine(target: { (_: Counted) in }, args: Counted(counter))
        #expect(counter.alive == 1)
        _ = coroutine
        coroutine = nil
        #expect(counter.alive == 0)
      }
    }
  }
}
