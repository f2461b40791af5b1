import CoroutineAPI
import Glibc
import Synchronization
import Testing

extension Conformance {
  /// The life of a loop, and how it and its coroutines end.
  @Suite struct Life {
    /// Starts daemons that wait in every way there is.
    static func startDaemons(_ ended: @escaping () -> Void) throws {
      let (reader, writer) = try Coroutine.pipe()
      let (left, right) = try Coroutine.socketPair()
      let server = try Coroutine.socket(.inet, .stream)
      try server.bind(to: .inet("127.0.0.1", port: 0))
      try server.listen()
      func start(_ wait: @escaping () throws -> Void) {
        Coroutine(daemon: true) {
          defer { withExtendedLifetime((reader, writer, left, right, server)) { ended() } }
          try wait()
        }.start()
      }
      var buffer = [UInt8](repeating: 0, count: 8)
      start { _ = try reader.read(into: &buffer) }
      start { _ = try reader.read(into: &buffer, timeout: .seconds(3600)) }
      start { _ = try left.receive(into: &buffer) }
      start { try right.sendAll([UInt8](repeating: 0, count: 4 << 20)) }
      start { _ = try server.accept() }
      start { try Coroutine.sleep(.infinity) }
      start { try Coroutine.main.join() }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a thousand loops end with work in flight and leave nothing behind`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {}
      let choice = backend.choice
      var ended = 0
      func runLoops(_ count: Int) throws {
        for _ in 0..<count {
          try Coroutine.run(on: choice) { try Self.startDaemons { ended += 1 } }
        }
      }
      try runLoops(200)
      // Other tests of the process may open and close some at the same time.
      let isFlat = try (0..<4).contains { _ in
        let before = openDescriptorCount()
        try runLoops(200)
        return openDescriptorCount() <= before
      }
      #expect(isFlat)
      #expect(ended >= 400 * 7)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a loop on a new thread each time leaves nothing behind`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {}
      let choice = backend.choice
      func runThreads() {
        for _ in 0..<50 {
          onNewThread {
            try? Coroutine.run(on: choice) {
              Coroutine { try Coroutine.sleep() }.start()
              try Coroutine.sleep()
            }
          }
        }
      }
      runThreads()
      let isFlat = (0..<10).contains { _ in
        let before = openDescriptorCount()
        runThreads()
        return openDescriptorCount() <= before
      }
      #expect(isFlat)
    }

    // MARK: Nothing can run

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine that ends with nothing runnable lets the loop wait`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let hasEnded = Flag()
        // The main coroutine waits for the pipe by then, so this one's end waits for the kernel.
        Coroutine {
          try Coroutine.sleep(for: .microseconds(200))
          hasEnded.set()
        }.start()
        let watch = TaskWatch()
        let descriptor = writer.fileDescriptor.rawValue
        let thread = ThreadJob { () -> Int in
          while !hasEnded.isSet { sched_yield() }
          watch.waitUntilAsleep()
          return write(descriptor, "x", 1)
        }
        var buffer = [UInt8](repeating: 0, count: 4)
        #expect(try reader.read(into: &buffer, timeout: .seconds(10)) == 1)
        #expect(thread.join() == 1)
        // The stack that waited is as good as before.
        let next = Coroutine { try Coroutine.sleep() }
        next.start()
        try next.join()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `coroutines end one after another, each with nothing runnable`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var ended = 0
        let coroutines = (1...50).map { number in
          Coroutine {
            try Coroutine.sleep(for: .microseconds(100 * number))
            ended += 1
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(ended == 50)
      }
    }

    // MARK: A deinit that blocks

    /// Waits in its deinit.
    final class Blocking {
      let log: EventLog
      let wait: () throws -> Void

      init(_ log: EventLog, _ wait: @escaping () throws -> Void) {
        self.log = log
        self.wait = wait
      }

      deinit {
        do {
          try wait()
          log.note("deinit waited")
        } catch {
          log.note("\(error)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a deinit can sleep, read and join, and others go on meanwhile`(
      on backend: BackendUnderTest
    ) throws {
      let log = EventLog()
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let other = Coroutine { try Coroutine.sleep(for: .milliseconds(1)) }
        other.start()
        let waits: [() throws -> Void] = [
          { try Coroutine.sleep(for: .milliseconds(1)) },
          {
            var buffer = [UInt8](repeating: 0, count: 4)
            _ = try reader.read(into: &buffer)
          },
          { try other.join() },
        ]
        let coroutines = waits.map { wait in
          // The closure holds the value: it goes when the coroutine's code is over.
          let value = Blocking(log, wait)
          return Coroutine { withExtendedLifetime(value) {} }
        }
        for coroutine in coroutines { coroutine.start() }
        #expect(coroutines.allSatisfy { $0.isAlive })
        try writer.writeAll("x")
        for coroutine in coroutines { try coroutine.join() }
      }
      #expect(log.events == Array(repeating: "deinit waited", count: 3))
    }

    // MARK: Stacks

    /// Recurses until the stack is so many bytes deeper, and tells how deep it came.
    @inline(never)
    static func dive(from top: UInt, _ depth: Int, _ seed: UInt64) -> UInt {
      var frame = InlineArray<64, UInt64>(repeating: seed)
      frame[Int(seed % 64)] &+= 1
      let here = stackAddress()
      // Not a tail call: the frame is read afterwards.
      let deepest = top - here < depth ? dive(from: top, depth, seed &+ 1) : here
      return frame[Int(seed % 64)] > 0 ? deepest : 0
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the pages of a deep recursion come back`(on backend: BackendUnderTest) throws {
      try backend.run {
        for stackSize in [nil, 4 << 20] {
          let depth = stackSize == nil ? 150 << 10 : 3 << 20
          var deepest: UInt = 0
          let coroutine = Coroutine(stackSize: stackSize) {
            let top = stackAddress()
            deepest = Self.dive(from: top, depth, 1)
            #expect(isResident(deepest))
          }
          coroutine.start()
          try coroutine.join()
          // They go back when the loop has nothing to do.
          try eventually { !isResident(deepest) }
          #expect(!isResident(deepest))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine without a stack is an error, and the next one starts`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var reports: [String] = []
        Coroutine.uncaughtErrorHook = { reports.append("\($0.name): \($1)") }
        for size in [Int.max, 1 << 60, 1 << 48] {
          let greedy = Coroutine(name: "greedy", stackSize: size) {}
          greedy.start()
          let error = caught { () throws(CoroutineError) in try greedy.join() }
          #expect(error?.code == .system && error?.errno == .noMemory)
          #expect(error?.description.contains("no stack of") == true)
          #expect(error?.description.contains("ask for less") == true)
          let modest = Coroutine { try Coroutine.sleep() }
          modest.start()
          try modest.join()
        }
        #expect(reports.count == 3)
      }
    }
  }
}

/// Whether the page at this address takes memory.
private func isResident(_ address: UInt) -> Bool {
  var answer: UInt8 = 0
  let page = UnsafeMutableRawPointer(bitPattern: address & ~4095)
  return mincore(page, 4096, &answer) == 0 && answer & 1 == 1
}

/// Said by one thread, heard by another.
private final class Flag: Sendable {
  private let value = Atomic(false)

  var isSet: Bool { value.load(ordering: .acquiring) }

  func set() { value.store(true, ordering: .releasing) }
}
