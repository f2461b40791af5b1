import CoroutineAPI
import Testing

/// The values that the cases bind.
private enum Local {
  @TaskLocal static var number = 0
  @TaskLocal static var name = "none"
  @TaskLocal static var reference: Reference?
  @TaskLocal static var wide = SIMD16<Float>(repeating: 0)

  // Safe to call Sendable: only one thread ever sees it.
  final class Reference: @unchecked Sendable {
    let counted: Counted
    init(_ counter: Conformance.TaskLocals.Counter) { counted = Counted(counter) }
  }
}

extension Conformance {
  /// Task-local values: inherited at the start, and everyone's own afterwards.
  @Suite struct TaskLocals {
    typealias Counter = Counted.Counter

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine inherits its starter's values`(on backend: BackendUnderTest) throws {
      try backend.run {
        var seen: [String] = []
        let coroutine = Coroutine { seen.append("\(Local.number) \(Local.name)") }
        Local.$number.withValue(1) {
          Local.$name.withValue("one") {
            Local.$number.withValue(2) { coroutine.start() }
          }
        }
        #expect(seen == ["2 one"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `values count as they are at the start, not at the making`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var seen: [Int] = []
        let coroutine = Local.$number.withValue(1) { Coroutine { seen.append(Local.number) } }
        coroutine.start()
        #expect(seen == [0])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `inherited values survive the scope that bound them`(on backend: BackendUnderTest) throws {
      try backend.run {
        var seen: [String] = []
        let text = String(repeating: "long enough to be on the heap ", count: 3)
        let coroutine = Coroutine {
          for _ in 0..<3 {
            try Coroutine.sleep()
            seen.append(Local.name)
          }
        }
        Local.$name.withValue(text) { coroutine.start() }
        #expect(Local.name == "none")
        try coroutine.join()
        #expect(seen == [text, text, text])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a value bound in one coroutine is not seen in another`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var leaks = 0
        let coroutines = (1...10).map { number in
          Coroutine {
            for _ in 0..<3 {
              if Local.number != 0 { leaks += 1 }
              try Local.$number.withValue(number) {
                try Coroutine.sleep()
                if Local.number != number { leaks += 1 }
              }
              if Local.number != 0 { leaks += 1 }
              try Coroutine.sleep()
            }
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines {
          try coroutine.join()
          if Local.number != 0 { leaks += 1 }
        }
        #expect(leaks == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `interleaved nested scopes end in any order`(on backend: BackendUnderTest) throws {
      func nest(_ depth: Int, _ base: Int) throws -> Bool {
        if depth == 0 {
          try Coroutine.sleep()
          return true
        }
        return try Local.$number.withValue(base + depth) {
          if depth % 2 == 0 { try Coroutine.sleep() }
          let inner = try nest(depth - 1, base)
          try Coroutine.sleep()
          return inner && Local.number == base + depth
        }
      }
      try backend.run {
        var results: [Bool] = []
        let coroutines = (1...8).map { number in
          Coroutine { results.append(try nest(number, number * 100)) }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(results == Array(repeating: true, count: 8))
        #expect(Local.number == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the main coroutine's scope is its own while others run`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var seen: [Int] = []
        let before = Coroutine {
          for _ in 0..<3 {
            seen.append(Local.number)
            try Coroutine.sleep()
          }
        }
        before.start()
        try Local.$number.withValue(9) {
          try before.join()
          #expect(Local.number == 9)
        }
        #expect(seen == [0, 0, 0])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an inherited value can be bound anew without the starter's changing`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var seen: [Int] = []
        try Local.$number.withValue(1) {
          let coroutine = Coroutine {
            try Local.$number.withValue(2) {
              try Coroutine.sleep()
              seen.append(Local.number)
            }
            seen.append(Local.number)
          }
          coroutine.start()
          seen.append(Local.number)
          try coroutine.join()
          seen.append(Local.number)
        }
        #expect(seen == [1, 2, 1, 1])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a grandchild inherits through its parent`(on backend: BackendUnderTest) throws {
      try backend.run {
        var seen: [String] = []
        let parent = Coroutine {
          try Coroutine.sleep()
          Local.$name.withValue("parent's") {
            Coroutine { seen.append("\(Local.number) \(Local.name)") }.start()
          }
        }
        Local.$number.withValue(4) { parent.start() }
        try parent.join()
        #expect(seen == ["4 parent's"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `inherited references are retained and released once each`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let counter = Counter()
        var seen = 0
        let coroutines = (0..<5).map { _ in
          Coroutine {
            try Coroutine.sleep()
            if Local.reference != nil { seen += 1 }
          }
        }
        Local.$reference.withValue(Local.Reference(counter)) {
          for coroutine in coroutines { coroutine.start() }
        }
        #expect(counter.alive == 1)
        for coroutine in coroutines { try coroutine.join() }
        try Coroutine.sleep()
        #expect(seen == 5)
        #expect(counter.made == 1)
        #expect(counter.alive == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `values of a coroutine that ends by cancellation are released`(
      on backend: BackendUnderTest
    ) throws {
      let counter = Counter()
      try backend.run {
        Local.$reference.withValue(Local.Reference(counter)) {
          Coroutine(daemon: true) {
            try Local.$reference.withValue(Local.Reference(counter)) {
              try Coroutine.sleep(.infinity)
            }
          }.start()
        }
        #expect(counter.alive == 2)
      }
      #expect(counter.made == 2)
      #expect(counter.alive == 0)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a value with a large alignment is inherited whole`(on backend: BackendUnderTest) throws {
      try backend.run {
        let wide = SIMD16<Float>((0..<16).map { Float($0) + 0.5 })
        var seen: [SIMD16<Float>] = []
        let coroutine = Coroutine {
          try Coroutine.sleep()
          seen.append(Local.wide)
          try Local.$wide.withValue(wide * 2) {
            try Coroutine.sleep()
            seen.append(Local.wide)
          }
        }
        Local.$wide.withValue(wide) {
          Local.$number.withValue(1) { coroutine.start() }
        }
        try coroutine.join()
        #expect(seen == [wide, wide * 2])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `expectations in coroutines belong to their test`(on backend: BackendUnderTest) throws {
      try backend.run {
        let test = Test.current?.id
        #expect(test != nil)
        var seen: [Test.ID?] = []
        let coroutine = Coroutine {
          seen.append(Test.current?.id)
          try Coroutine.sleep()
          seen.append(Test.current?.id)
        }
        coroutine.start()
        try coroutine.join()
        #expect(seen == [test, test])
      }
    }
  }
}
