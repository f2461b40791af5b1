import CoroutineAPI
import Testing

extension Conformance {
  /// `start()` and `run()`, after Python's `threading.Thread`.
  @Suite struct Starting {
    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine runs at once until it first blocks`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        let coroutine = Coroutine {
          log.note("runs")
          try Coroutine.sleep()
          log.note("goes on")
        }
        log.note("before")
        coroutine.start()
        log.note("after")
        try coroutine.join()
        #expect(log.events == ["before", "runs", "after", "goes on"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine that never blocks has ended when start returns`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var hasRun = false
        let coroutine = Coroutine { hasRun = true }
        coroutine.start()
        #expect(hasRun)
        #expect(!coroutine.isAlive)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the starter goes on ahead of those that can run`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        for name in ["A", "B", "C"] {
          Coroutine {
            try Coroutine.sleep()
            log.note(name)
          }.start()
        }
        log.note("main")
        try Coroutine.sleep()
        #expect(log.events == ["main", "A", "B", "C"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `starts nest like calls`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        Coroutine {
          log.note("outer begins")
          Coroutine {
            log.note("middle begins")
            Coroutine {
              log.note("inner begins")
              try Coroutine.sleep()
              log.note("inner ends")
            }.start()
            log.note("middle ends")
          }.start()
          log.note("outer ends")
        }.start()
        log.note("main")
        try Coroutine.sleep()
        #expect(
          log.events == [
            "outer begins", "middle begins", "inner begins", "middle ends", "outer ends", "main",
            "inner ends",
          ])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `those that can run take turns in order`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        let coroutines = ["a", "b", "c"].map { name in
          Coroutine {
            for turn in 1...3 {
              log.note("\(name)\(turn)")
              try Coroutine.sleep()
            }
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(log.events == ["a1", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine that is not started never runs`(on backend: BackendUnderTest) throws {
      var hasRun = false
      try backend.run {
        let coroutine = Coroutine { hasRun = true }
        try Coroutine.sleep()
        #expect(!coroutine.isAlive)
      }
      #expect(!hasRun)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine outlives the last reference to it`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        func startAndForget() {
          Coroutine {
            try Coroutine.sleep()
            log.note("ran")
          }.start()
        }
        startAndForget()
        try Coroutine.sleep()
        #expect(log.events == ["ran"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `run called directly runs in the caller`(on backend: BackendUnderTest) throws {
      try backend.run {
        var runner: Coroutine?
        let coroutine = Coroutine { runner = Coroutine.current }
        try coroutine.run()
        #expect(runner === Coroutine.main)
        #expect(coroutine.ident == nil)
        #expect(!coroutine.isAlive)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `run called directly throws to the caller`(on backend: BackendUnderTest) throws {
      struct Failure: Error {}
      try backend.run {
        let coroutine = Coroutine { throw Failure() }
        #expect(throws: Failure.self) { try coroutine.run() }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine can be started by another loop than it was made in`(
      on backend: BackendUnderTest
    ) throws {
      var hasRun = false
      let coroutine = try backend.run { Coroutine { hasRun = true } }
      try backend.run {
        coroutine.start()
        #expect(hasRun)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a start without a stack is reported and thrown by join`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var reported: [Coroutine] = []
        Coroutine.uncaughtErrorHook = { coroutine, _ in reported.append(coroutine) }
        var hasRun = false
        let coroutine = Coroutine(stackSize: 1 << 60) { hasRun = true }
        coroutine.start()
        #expect(reported.count == 1 && reported.first === coroutine)
        let error = caught { () throws(CoroutineError) in try coroutine.join() }
        #expect(error?.code == .system)
        #expect(error?.errno == .noMemory)
        #expect(!coroutine.isAlive)
        #expect(!hasRun)
        #expect(Coroutine.activeCount == 1)
      }
    }
  }

  /// Subclasses of `Coroutine`.
  @Suite struct Subclassing {
    final class Adder: Coroutine {
      let numbers: [Int]
      var sum = 0

      init(_ numbers: [Int]) {
        self.numbers = numbers
        super.init(name: "adder")
      }

      override func run() throws {
        for number in numbers {
          try Coroutine.sleep()
          sum += number
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `start calls an overridden run`(on backend: BackendUnderTest) throws {
      try backend.run {
        let adder = Adder([1, 2, 3])
        adder.start()
        #expect(adder.sum == 0)
        try adder.join()
        #expect(adder.sum == 6)
        #expect(adder.name == "adder")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an overridden run can call the closure through super`(
      on backend: BackendUnderTest
    ) throws {
      class Framed: Coroutine {
        let log = EventLog()
        override func run() throws {
          log.note("before")
          try super.run()
          log.note("after")
        }
      }
      try backend.run {
        var inside = 0
        let framed = Framed { inside += 1 }
        framed.start()
        #expect(inside == 1)
        #expect(framed.log.events == ["before", "after"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a subclass without an initialiser inherits the target form`(
      on backend: BackendUnderTest
    ) throws {
      final class Plain: Coroutine {}
      try backend.run {
        var sum = 0
        func add(_ left: Int, _ right: Int) { sum = left + right }
        let coroutine = Plain(target: add, args: 20, 22)
        coroutine.start()
        #expect(sum == 42)
        #expect(Plain().name.hasPrefix("Coroutine-"))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine without anything to do ends at once`(on backend: BackendUnderTest) throws {
      try backend.run {
        let coroutine = Coroutine()
        coroutine.start()
        #expect(!coroutine.isAlive)
        try coroutine.join()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `Coroutine current is the subclass's object`(on backend: BackendUnderTest) throws {
      final class Finder: Coroutine {
        var found: Coroutine?
        override func run() { found = Coroutine.current }
      }
      try backend.run {
        let finder = Finder()
        finder.start()
        #expect(finder.found === finder)
        finder.found = nil
      }
    }
  }
}
