import CoroutineAPI
import Testing

extension Conformance {
  /// What can be asked of a coroutine and of the loop.
  @Suite struct Identity {
    @Test(arguments: BackendUnderTest.selected)
    func `default names differ from each other`(on backend: BackendUnderTest) throws {
      try backend.run {
        let names = (0..<10).map { _ in Coroutine {}.name }
        #expect(Set(names).count == 10)
        #expect(names.allSatisfy { $0.hasPrefix("Coroutine-") })
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a given name is kept and need not be unique`(on backend: BackendUnderTest) throws {
      try backend.run {
        let first = Coroutine(name: "worker") {}
        let second = Coroutine(name: "worker") {}
        #expect(first.name == "worker")
        #expect(second.name == "worker")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a name can be set before, during and after the run`(on backend: BackendUnderTest) throws {
      try backend.run {
        let coroutine = Coroutine { try Coroutine.sleep() }
        coroutine.name = "before"
        #expect(coroutine.name == "before")
        coroutine.start()
        coroutine.name = "during"
        #expect(coroutine.name == "during")
        try coroutine.join()
        coroutine.name = "after"
        #expect(coroutine.name == "after")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the main coroutine has a name and an ident and lives`(on backend: BackendUnderTest) throws
    {
      try backend.run {
        #expect(Coroutine.main.name == "MainCoroutine")
        #expect(Coroutine.main.ident != nil)
        #expect(Coroutine.main.isAlive)
        #expect(!Coroutine.main.isDaemon)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `ident is nil before the start and stays after the end`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let coroutine = Coroutine { try Coroutine.sleep() }
        #expect(coroutine.ident == nil)
        coroutine.start()
        let ident = coroutine.ident
        #expect(ident != nil)
        try coroutine.join()
        #expect(coroutine.ident == ident)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `idents are unique, between loops and threads too`(on backend: BackendUnderTest) throws {
      @Sendable func idents() -> [UInt64] {
        let made = try? Coroutine.run(on: backend.choice) {
          (0..<50).compactMap { _ in
            let coroutine = Coroutine {}
            coroutine.start()
            return coroutine.ident
          } + [Coroutine.main.ident ?? 0]
        }
        return made ?? []
      }
      let elsewhere = ThreadJob { idents() }
      var all = onNewThread { idents() }
      all += elsewhere.join()
      try backend.run {
        let coroutine = Coroutine {}
        coroutine.start()
        all += [coroutine.ident ?? 0, Coroutine.main.ident ?? 0]
      }
      #expect(all.count == 104)
      #expect(Set(all).count == all.count)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `isAlive is true from start to end`(on backend: BackendUnderTest) throws {
      try backend.run {
        var inside = false
        var coroutine: Coroutine?
        let made = Coroutine {
          inside = coroutine?.isAlive == true
          try Coroutine.sleep()
        }
        coroutine = made
        #expect(!made.isAlive)
        made.start()
        #expect(inside)
        #expect(made.isAlive)
        try made.join()
        #expect(!made.isAlive)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine is no daemon unless it is told to be`(on backend: BackendUnderTest) throws {
      try backend.run {
        #expect(!Coroutine {}.isDaemon)
        #expect(Coroutine(daemon: true) {}.isDaemon)
        #expect(!Coroutine(daemon: false) {}.isDaemon)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine that a daemon makes is a daemon unless told otherwise`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var inherited: Bool?
        var overridden: Bool?
        Coroutine(daemon: true) {
          inherited = Coroutine {}.isDaemon
          overridden = Coroutine(daemon: false) {}.isDaemon
        }.start()
        #expect(inherited == true)
        #expect(overridden == false)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `current is the coroutine that runs`(on backend: BackendUnderTest) throws {
      try backend.run {
        var isRight: [Bool] = []
        var inner: Coroutine?
        let outer = Coroutine {}
        let coroutine = Coroutine {
          isRight.append(Coroutine.current === inner)
          try Coroutine.sleep()
          isRight.append(Coroutine.current === inner)
        }
        inner = coroutine
        coroutine.start()
        #expect(Coroutine.current === Coroutine.main)
        #expect(Coroutine.current !== outer)
        try coroutine.join()
        #expect(isRight == [true, true])
        #expect(Coroutine.current === Coroutine.main)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `main is the same from every coroutine`(on backend: BackendUnderTest) throws {
      try backend.run {
        let main = Coroutine.current
        var seen: Coroutine?
        Coroutine { seen = Coroutine.main }.start()
        #expect(seen === main)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `enumerate lists the living in order of their start`(on backend: BackendUnderTest) throws {
      try backend.run {
        let names = ["one", "two", "three", "four"]
        let coroutines = names.map { name in
          // The second ends first.
          Coroutine(name: name) { if name != "two" { try Coroutine.sleep() } }
        }
        let unstarted = Coroutine(name: "unstarted") {}
        for coroutine in coroutines.reversed() { coroutine.start() }
        #expect(
          Coroutine.enumerate().map(\.name) == ["MainCoroutine", "four", "three", "one"])
        for coroutine in coroutines { try coroutine.join() }
        #expect(Coroutine.enumerate().map(\.name) == ["MainCoroutine"])
        #expect(!unstarted.isAlive)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `activeCount is the length of enumerate`(on backend: BackendUnderTest) throws {
      try backend.run {
        var counts: [Int] = []
        func check() {
          counts.append(Coroutine.activeCount)
          #expect(Coroutine.activeCount == Coroutine.enumerate().count)
        }
        check()
        let coroutines = (0..<5).map { _ in Coroutine { try Coroutine.sleep() } }
        check()
        for coroutine in coroutines {
          coroutine.start()
          check()
        }
        for coroutine in coroutines { try coroutine.join() }
        check()
        #expect(counts == [1, 1, 2, 3, 4, 5, 6, 1])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `another thread's coroutines are not counted`(on backend: BackendUnderTest) throws {
      try backend.run {
        Coroutine { try Coroutine.sleep() }.start()
        let choice = backend.choice
        let elsewhere = onNewThread {
          (try? Coroutine.run(on: choice) { Coroutine.activeCount }) ?? -1
        }
        #expect(elsewhere == 1)
        #expect(Coroutine.activeCount == 2)
      }
    }
  }
}
