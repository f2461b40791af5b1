import CoroutineAPI
import Testing

extension Conformance {
  /// Errors, `defer` and `deinit` across switches.
  @Suite struct Unwinding {
    enum Failure: Error, Equatable {
      case deep(Int)
      case shallow
    }

    /// Throws from `depth` frames down, suspending in each on the way there and back.
    static func descend(_ depth: Int, _ value: Int, _ log: EventLog) throws {
      try Coroutine.sleep()
      defer { log.note("\(value):\(depth)") }
      guard depth > 0 else { throw Failure.deep(value) }
      do {
        try descend(depth - 1, value, log)
      } catch {
        try Coroutine.sleep()
        throw error
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error thrown from deep frames passes each with a switch in it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let log = EventLog()
        #expect(throws: Failure.deep(1)) { try Self.descend(30, 1, log) }
        #expect(log.events == (0...30).map { "1:\($0)" })
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `errors on their way in several coroutines stay apart`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var caught: [Int: Failure] = [:]
        let logs = (0..<20).map { _ in EventLog() }
        let coroutines = (0..<20).map { number in
          Coroutine {
            do {
              try Self.descend(5 + number % 7, number, logs[number])
            } catch let error as Failure {
              caught[number] = error
            }
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        for number in 0..<20 {
          #expect(caught[number] == .deep(number))
          #expect(logs[number].events == (0...5 + number % 7).map { "\(number):\($0)" })
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `typed errors pass switches too`(on backend: BackendUnderTest) throws {
      func typed(_ depth: Int) throws(Failure) {
        _ = caught { () throws(CoroutineError) in try Coroutine.sleep() }
        guard depth > 0 else { throw .deep(99) }
        do throws(Failure) {
          try typed(depth - 1)
        } catch {
          _ = caught { () throws(CoroutineError) in try Coroutine.sleep() }
          throw error
        }
      }
      try backend.run {
        var caught: [Failure] = []
        let coroutines = (0..<3).map { depth in
          Coroutine {
            do throws(Failure) { try typed(depth * 5) } catch { caught.append(error) }
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(caught == [.deep(99), .deep(99), .deep(99)])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a catch that suspends keeps its error while others throw`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var kept: [Int] = []
        let coroutines = (0..<10).map { number in
          Coroutine {
            do {
              throw Failure.deep(number)
            } catch Failure.deep(let value) {
              for _ in 0..<5 { try Coroutine.sleep() }
              kept.append(value)
            }
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(kept == Array(0..<10))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the starter's error is not the coroutine's`(on backend: BackendUnderTest) throws {
      try backend.run {
        var reports: [Failure?] = []
        Coroutine.uncaughtErrorHook = { reports.append($1 as? Failure) }
        do {
          Coroutine { throw Failure.deep(5) }.start()
          throw Failure.shallow
        } catch {
          #expect(error as? Failure == .shallow)
        }
        #expect(reports == [.deep(5)])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `defers run in reverse order, also when they suspend`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let log = EventLog()
        func pause() {
          _ = caught { () throws(CoroutineError) in try Coroutine.sleep() }
        }
        let coroutines = ["a", "b"].map { name in
          Coroutine {
            defer { log.note("\(name)1") }
            defer {
              pause()
              log.note("\(name)2")
            }
            for turn in 3...4 {
              defer {
                pause()
                log.note("\(name)\(turn)")
              }
              try Coroutine.sleep()
            }
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(log.events == ["a3", "b3", "a4", "b4", "a2", "a1", "b2", "b1"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `locals are released once, however the coroutine ends`(
      on backend: BackendUnderTest
    ) throws {
      let counter = Counted.Counter()
      try backend.run {
        Coroutine.uncaughtErrorHook = { _, _ in }
        for ending in 0..<3 {
          Coroutine(daemon: ending == 2) {
            let local = Counted(counter)
            let list = (0..<10).map { _ in Counted(counter) }
            // A release build ends a local's life after its last use, not at the scope's end.
            try withExtendedLifetime((local, list)) {
              try Coroutine.sleep(ending == 2 ? .infinity : 0)
              if ending == 1 { throw Failure.shallow }
            }
          }.start()
        }
        #expect(counter.alive == 33)
      }
      #expect(counter.made == 33)
      #expect(counter.alive == 0)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a deinit may suspend`(on backend: BackendUnderTest) throws {
      final class Slow {
        let log: EventLog
        init(_ log: EventLog) { self.log = log }
        deinit {
          log.note("begins")
          _ = caught { () throws(CoroutineError) in
            try Coroutine.sleep(for: .microseconds(100))
          }
          log.note("ends")
        }
      }
      try backend.run {
        let log = EventLog()
        let coroutine = Coroutine {
          let slow = Slow(log)
          _ = slow
        }
        coroutine.start()
        log.note("main")
        try coroutine.join()
        #expect(log.events == ["begins", "main", "ends"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a subclass's object is released once when its coroutine has ended`(
      on backend: BackendUnderTest
    ) throws {
      final class Holder: Coroutine {
        let held: Counted
        init(_ counter: Counted.Counter) {
          held = Counted(counter)
          super.init()
        }
        override func run() throws { try Coroutine.sleep() }
      }
      try backend.run {
        let counter = Counted.Counter()
        weak var seen: Holder?
        func begin() {
          let holder = Holder(counter)
          seen = holder
          holder.start()
        }
        begin()
        #expect(counter.alive == 1)
        #expect(seen != nil)
        for _ in 0..<3 { try Coroutine.sleep() }
        #expect(counter.alive == 0)
        #expect(seen == nil)
      }
    }
  }
}
