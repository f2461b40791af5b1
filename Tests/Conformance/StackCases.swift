import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// The coroutines' stacks.
  @Suite struct Stacks {
    /// Uses at least `bytes` of stack, suspends at the bottom, and comes back.
    @inline(never)
    static func descend(_ bytes: Int, _ seed: UInt64) throws -> UInt64 {
      var frame = InlineArray<64, UInt64>(repeating: seed)
      frame[Int(seed % 64)] &+= 1
      guard bytes > 512 else {
        try Coroutine.sleep()
        return frame[0] &+ frame[63]
      }
      // Not a tail call: the frame is read afterwards.
      let below = try descend(bytes - 512, seed &+ 1)
      return below &+ frame[Int(seed % 64)] &- frame[Int((seed &+ 1) % 64)]
    }

    /// A frame of 32 KiB that suspends.
    @inline(never)
    static func suspendInLargeFrame(_ seed: UInt64) throws -> Bool {
      var frame = InlineArray<4096, UInt64>(repeating: seed)
      for index in stride(from: 0, to: 4096, by: 64) { frame[index] = seed &+ UInt64(index) }
      try Coroutine.sleep()
      for index in stride(from: 0, to: 4096, by: 64)
      where frame[index] != seed &+ UInt64(index) || frame[index + 1] != seed {
        return false
      }
      return true
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a hundred kibibytes of recursion fit a stack`(on backend: BackendUnderTest) throws {
      let reference = try backend.run { try Self.descend(20_000, 7) }
      try backend.run {
        var results: [UInt64] = []
        // In debug a frame is larger than what it holds; this stays below 196 KiB.
        let coroutines = (0..<4).map { _ in
          Coroutine { results.append(try Self.descend(20_000, 7)) }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(results == Array(repeating: reference, count: 4))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `four mebibytes of recursion fit a stack of their size`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var depths: [Int] = []
        let coroutine = Coroutine(stackSize: 6 << 20) {
          let top = stackAddress()
          func descend() throws -> Int {
            let used = Int(top - stackAddress())
            if used < 4 << 20 { return try descend() + 1 }
            try Coroutine.sleep()
            return 0
          }
          depths.append(try descend())
        }
        coroutine.start()
        try coroutine.join()
        #expect(depths.count == 1 && depths[0] > 1000)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a small stackSize is rounded up to what code needs`(on backend: BackendUnderTest) throws {
      try backend.run {
        var hasRun = 0
        for size in [-1, 0, 1, 16_000, 16_385] {
          let coroutine = Coroutine(stackSize: size) {
            try Coroutine.sleep()
            hasRun += 1
          }
          coroutine.start()
          try coroutine.join()
        }
        #expect(hasRun == 5)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `large frames keep their contents across switches`(on backend: BackendUnderTest) throws {
      try backend.run {
        var results: [Bool] = []
        let coroutines = (0..<10).map { number in
          Coroutine { results.append(try Self.suspendInLargeFrame(UInt64(number) << 32)) }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(results == Array(repeating: true, count: 10))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `floating-point and vector values are live across switches`(
      on backend: BackendUnderTest
    ) throws {
      @inline(never)
      func mix(_ seed: Double) throws -> [Double] {
        var a = seed + 0.25
        var b = seed * 2
        var c = Float(seed) - 0.5
        var vector = SIMD8<Double>(repeating: seed)
        var narrow = SIMD4<Float>(0, 1, 2, 3) + Float(seed)
        for turn in 0..<10 {
          try Coroutine.sleep()
          a += b
          b -= 0.125
          c += Float(turn)
          vector += SIMD8(0, 1, 2, 3, 4, 5, 6, 7)
          narrow *= 0.5
        }
        return [a, b, Double(c), vector.sum(), Double(narrow.sum())]
      }
      try backend.run {
        var together: [[Double]] = Array(repeating: [], count: 10)
        let coroutines = (0..<10).map { number in
          Coroutine { together[number] = try mix(Double(number)) }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        for number in 0..<10 {
          // Alone, with nobody to switch to.
          #expect(try mix(Double(number)) == together[number])
        }
        try Coroutine.sleep()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `stacks begin at different places within a page`(on backend: BackendUnderTest) throws {
      try backend.run {
        var offsets: Set<UInt> = []
        let coroutines = (0..<256).map { _ in
          Coroutine {
            offsets.insert(stackAddress() % 4096)
            try Coroutine.sleep()
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(offsets.count >= 8)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `parked coroutines' stacks lie apart`(on backend: BackendUnderTest) throws {
      try backend.run {
        var addresses: [UInt] = []
        let coroutines = (0..<200).map { _ in
          Coroutine {
            addresses.append(stackAddress())
            try Coroutine.sleep()
          }
        }
        for coroutine in coroutines { coroutine.start() }
        let sorted = addresses.sorted()
        let gaps = zip(sorted, sorted.dropFirst()).map { $1 - $0 }
        #expect(gaps.allSatisfy { $0 >= 196 << 10 })
        for coroutine in coroutines { try coroutine.join() }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a stack is used again after its coroutine's end`(on backend: BackendUnderTest) throws {
      try backend.run {
        var pages: Set<UInt> = []
        for _ in 0..<1000 {
          let coroutine = Coroutine { pages.insert(stackAddress() >> 18) }
          coroutine.start()
          try coroutine.join()
        }
        #expect(pages.count <= 4)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a used stack leaves no trace in the next coroutine`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var results: [UInt64] = []
        for round in 0..<50 {
          if round % 2 == 0 {
            Coroutine { _ = try Self.suspendInLargeFrame(.max) }.start()
          }
          let coroutine = Coroutine { results.append(try Self.descend(10_000, 3)) }
          coroutine.start()
          try coroutine.join()
        }
        #expect(Set(results).count == 1)
      }
    }

    // MARK: Overflow

    /// Runs a coroutine that uses `bytes` of stack, which lie within the guard if there is one.
    static func overflow(_ bytes: Int, stackSize: Int?, on name: String) throws {
      let backend = BackendUnderTest.selected.first { $0.name == name }
      letSegmentationFaultEndProcess()
      try backend?.run {
        // What lies below a stack is another's: without a guard the code would go on there.
        for _ in 0..<2 { Coroutine { try Coroutine.sleep(.infinity) }.start() }
        Coroutine(stackSize: stackSize) {
          let top = stackAddress()
          func descend() -> Int {
            let used = Int(top - stackAddress())
            return used < bytes ? descend() + 1 : 0
          }
          if descend() > 0 { exit(EXIT_SUCCESS) }
        }.start()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `running over the end of a stack ends the process`(
      on backend: BackendUnderTest
    ) async throws {
      try backend.run {}
      await #expect(processExitsWith: .signal(SIGSEGV)) { [name = backend.name as String] in
        try Stacks.overflow(224 << 10, stackSize: nil, on: name)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `running over the end of a stack of one's own size ends the process`(
      on backend: BackendUnderTest
    ) async throws {
      try backend.run {}
      await #expect(processExitsWith: .signal(SIGSEGV)) { [name = backend.name as String] in
        try Stacks.overflow(96 << 10, stackSize: 64 << 10, on: name)
      }
    }
  }
}
