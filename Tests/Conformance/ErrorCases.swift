import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Errors that leave a coroutine's code, after Python's `threading.excepthook`.
  @Suite struct UncaughtErrors {
    struct Failure: Error, Equatable, CustomStringConvertible {
      var number = 0
      var description: String { "failure number \(number)" }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the hook gets the coroutine and the error`(on backend: BackendUnderTest) throws {
      try backend.run {
        var reported: [(Coroutine, any Error)] = []
        Coroutine.uncaughtErrorHook = { reported.append(($0, $1)) }
        let coroutine = Coroutine {
          try Coroutine.sleep()
          throw Failure(number: 7)
        }
        coroutine.start()
        #expect(reported.isEmpty)
        try coroutine.join()
        #expect(reported.count == 1)
        #expect(reported.first?.0 === coroutine)
        #expect(reported.first?.1 as? Failure == Failure(number: 7))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the hook runs in the coroutine that failed, which still lives`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var isRight: [Bool] = []
        Coroutine.uncaughtErrorHook = { coroutine, _ in
          isRight.append(Coroutine.current === coroutine && coroutine.isAlive)
        }
        Coroutine { throw Failure() }.start()
        #expect(isRight == [true])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the hook may block`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        Coroutine.uncaughtErrorHook = { _, _ in
          let error = caught { () throws(CoroutineError) in try Coroutine.sleep() }
          log.note("hook \(String(describing: error))")
        }
        let coroutine = Coroutine { throw Failure() }
        coroutine.start()
        log.note("main")
        #expect(coroutine.isAlive)
        try coroutine.join()
        #expect(log.events == ["main", "hook nil"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an uncaught error leaves the others alone`(on backend: BackendUnderTest) throws {
      try backend.run {
        var reports = 0
        var finished = 0
        Coroutine.uncaughtErrorHook = { _, _ in reports += 1 }
        let coroutines = (0..<10).map { number in
          Coroutine {
            try Coroutine.sleep()
            if number % 2 == 0 { throw Failure() }
            try Coroutine.sleep()
            finished += 1
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(reports == 5)
        #expect(finished == 5)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a hook replaces the one before`(on backend: BackendUnderTest) throws {
      try backend.run {
        let log = EventLog()
        #expect(Coroutine.uncaughtErrorHook == nil)
        Coroutine.uncaughtErrorHook = { _, _ in log.note("first") }
        Coroutine { throw Failure() }.start()
        let first = Coroutine.uncaughtErrorHook
        Coroutine.uncaughtErrorHook = { coroutine, error in
          first?(coroutine, error)
          log.note("second")
        }
        Coroutine { throw Failure() }.start()
        #expect(log.events == ["first", "first", "second"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `without a hook a line goes to standard error and the program goes on`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var hasRun = false
        Coroutine.uncaughtErrorHook = { _, _ in Issue.record("the hook was removed") }
        Coroutine.uncaughtErrorHook = nil
        let text = try standardError {
          Coroutine(name: "unlucky") { throw Failure(number: 13) }.start()
          Coroutine { hasRun = true }.start()
        }
        let line = text.split(separator: "\n").first { $0.contains("unlucky") }
        #expect(line?.contains("failure number 13") == true, "\(text)")
        #expect(hasRun)
      }
    }

    /// What is written to standard error during `body`.
    private func standardError(_ body: () -> Void) throws -> String {
      var ends: [CInt] = [-1, -1]
      try #require(coro_pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0)
      let saved = dup(STDERR_FILENO)
      dup2(ends[1], STDERR_FILENO)
      body()
      dup2(saved, STDERR_FILENO)
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = Glibc.read(ends[0], &buffer, buffer.count)
      for descriptor in [saved, ends[0], ends[1]] { _ = Glibc.close(descriptor) }
      return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `cancellation is not reported, other errors of the library are`(
      on backend: BackendUnderTest
    ) throws {
      var codes: [CoroutineError.Code] = []
      try backend.run {
        Coroutine.uncaughtErrorHook = { _, error in
          if let error = error as? CoroutineError { codes.append(error.code) }
        }
        Coroutine { try Coroutine.sleep(-1) }.start()
        Coroutine { try Coroutine.current.join() }.start()
        Coroutine { throw CoroutineError(.cancelled, call: "a case") }.start()
        Coroutine(daemon: true) { try Coroutine.sleep(.infinity) }.start()
      }
      #expect(codes == [.invalidArgument, .misuse])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error of an overridden run is reported`(on backend: BackendUnderTest) throws {
      final class Failing: Coroutine {
        override func run() throws { throw Failure(number: 3) }
      }
      try backend.run {
        var reported: [any Error] = []
        Coroutine.uncaughtErrorHook = { reported.append($1) }
        Failing().start()
        #expect(reported.first as? Failure == Failure(number: 3))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the main coroutine's error is run's and not the hook's`(
      on backend: BackendUnderTest
    ) throws {
      var reports = 0
      #expect(throws: Failure()) {
        try backend.run {
          Coroutine.uncaughtErrorHook = { _, _ in reports += 1 }
          try Coroutine.sleep()
          throw Failure()
        }
      }
      #expect(reports == 0)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error is released after the hook has seen it`(on backend: BackendUnderTest) throws {
      try backend.run {
        let counter = Counted.Counter()
        Coroutine.uncaughtErrorHook = { _, _ in #expect(counter.alive == 1) }
        Coroutine { throw HeavyError(Counted(counter)) }.start()
        #expect(counter.made == 1)
        #expect(counter.alive == 0)
      }
    }
  }
}

/// An error with something to release.
// Safe to call Sendable: a loop's errors stay on its thread.
private final class HeavyError: Error, @unchecked Sendable {
  let payload: Counted

  init(_ payload: Counted) {
    self.payload = payload
  }
}
