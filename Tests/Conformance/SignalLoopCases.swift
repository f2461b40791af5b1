import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// One signal, and several loops that want something of it.
  @Suite struct SignalLoops {
    private static let isIgnored: UInt = 1
    private static let isDefault: UInt = 0

    // MARK: Settings

    @Test(arguments: BackendUnderTest.selected)
    func `what two loops have set alike stays until the second one's end`(
      on backend: BackendUnderTest
    ) throws {
      let theirs: @Sendable () throws -> Void = { try Coroutine.signal(SIGUSR1, .default) }
      try besideAnotherLoop(backend, setting: theirs) { endOther in
        try Coroutine.signal(SIGUSR1, .default)
        endOther()
        #expect(disposition(of: SIGUSR1).handlerAddress == Self.isDefault)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what one loop had set before another does not outlive both`(
      on backend: BackendUnderTest
    ) throws {
      let theirs: @Sendable () throws -> Void = { try Coroutine.signal(SIGUSR1, .default) }
      try besideAnotherLoop(backend, setting: theirs) { endOther in
        try Coroutine.signal(SIGUSR1) { _ in }
        endOther()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal given back, but not in order, goes to nobody who has given it up`(
      on backend: BackendUnderTest
    ) throws {
      try withUnblockedSignals {
        let before = setDisposition(of: SIGUSR1, .ignoringAction)
        defer { setDisposition(of: SIGUSR1, before) }
        let choice = backend.choice
        let (isSet, isTaken, isGivenBack, isOver) = (Gate(), Gate(), Gate(), Gate())
        let thread = ThreadJob {
          try? Coroutine.run(on: choice) {
            let previous = try Coroutine.signal(SIGUSR1) { _ in }
            isSet.open()
            isTaken.wait()
            try Coroutine.signal(SIGUSR1, previous)
            isGivenBack.open()
            isOver.wait()
          }
        }
        try backend.runUnblocked {
          isSet.wait()
          let theirs = try Coroutine.signal(SIGUSR1) { _ in }
          isTaken.open()
          isGivenBack.wait()
          try Coroutine.signal(SIGUSR1, theirs)
          #expect(disposition(of: SIGUSR1).handlerAddress == Self.isIgnored)
          isOver.open()
          thread.join()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what somebody else has set between two loops' settings comes back after the second one`(
      on backend: BackendUnderTest
    ) throws {
      let choice = backend.choice
      let before = setDisposition(of: SIGUSR1, .defaultAction)
      defer { setDisposition(of: SIGUSR1, before) }
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in }
        setDisposition(of: SIGUSR1, .ignoringAction)
        let hasSet = onNewThread {
          (try? Coroutine.run(on: choice) { _ = try Coroutine.signal(SIGUSR1) { _ in } }) != nil
        }
        #expect(hasSet)
        #expect(disposition(of: SIGUSR1).handlerAddress == Self.isIgnored)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a loop that begins leaves another's SIGPIPE as it is`(
      on backend: BackendUnderTest
    ) throws {
      let choice = backend.choice
      try backend.runUnblocked {
        try Coroutine.signal(SIGPIPE, .default)
        ThreadJob { try? Coroutine.run(on: choice) {} }.join()
        #expect(disposition(of: SIGPIPE).handlerAddress == Self.isDefault)
      }
      #expect(disposition(of: SIGPIPE).handlerAddress > Self.isIgnored)
    }

    // MARK: Signals that came before a change

    @Test(arguments: BackendUnderTest.selected)
    func `what came before the handler was taken away is still handled`(
      on backend: BackendUnderTest
    ) throws {
      var log: [String] = []
      let before = setDisposition(of: SIGUSR1, .ignoringAction)
      defer { setDisposition(of: SIGUSR1, before) }
      try backend.runUnblocked {
        for action in [SignalAction.ignore, .default, .handler { _ in log.append("second") }] {
          let previous = try Coroutine.signal(SIGUSR1) { _ in log.append("first") }
          raiseHere(SIGUSR1)
          try Coroutine.signal(SIGUSR1, action)
          try settle()
          #expect(log == ["first"])
          log = []
          try Coroutine.signal(SIGUSR1, previous)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a former handler that sets the signal has the last word`(
      on backend: BackendUnderTest
    ) throws {
      var log: [String] = []
      let before = setDisposition(of: SIGUSR1, .ignoringAction)
      defer { setDisposition(of: SIGUSR1, before) }
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { number in
          log.append("first")
          try Coroutine.signal(number) { _ in log.append("second") }
        }
        raiseHere(SIGUSR1)
        try Coroutine.signal(SIGUSR1, .default)
        // Nothing has run within the call.
        #expect(log.isEmpty && disposition(of: SIGUSR1).handlerAddress == Self.isDefault)
        try settle()
        #expect(log == ["first"])
        raiseHere(SIGUSR1)
        try settle()
        #expect(log == ["first", "second"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `of two that came, one's handler may take the other's away`(
      on backend: BackendUnderTest
    ) throws {
      var log: [String] = []
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in
          log.append("first")
          for number in [SIGUSR2, 64] { try Coroutine.signal(number, .ignore) }
        }
        try Coroutine.signal(SIGUSR2) { _ in log.append("second") }
        try Coroutine.signal(64) { _ in log.append("last") }
        for number in [64, SIGUSR2, SIGUSR1] { raiseHere(number) }
        try settle()
        #expect(log == ["first", "second", "last"])
        // Also where the first one is late itself.
        log = []
        try Coroutine.signal(SIGUSR2) { _ in log.append("second") }
        for number in [SIGUSR2, SIGUSR1] { raiseHere(number) }
        try Coroutine.signal(SIGUSR1, .ignore)
        try settle()
        #expect(log == ["first", "second"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what came too late for a loop is heard by the one that has the signal again`(
      on backend: BackendUnderTest
    ) throws {
      let choice = backend.choice
      try backend.runUnblocked {
        var count = 0
        try Coroutine.signal(SIGUSR1) { _ in count += 1 }
        ThreadJob {
          try? Coroutine.run(on: choice) {
            try Coroutine.signal(SIGUSR1) { _ in Issue.record("the loop was at its end") }
            raiseHere(SIGUSR1)
          }
        }.join()
        try eventually { count == 1 }
      }
    }

    // MARK: Others

    @Test(arguments: BackendUnderTest.selected)
    func `a handler that somebody puts back after the loop's end does what was done before`(
      on backend: BackendUnderTest
    ) throws {
      try withUnblockedSignals {
        let before = setDisposition(of: SIGUSR1, .ignoringAction)
        defer { setDisposition(of: SIGUSR1, before) }
        // As system(3) does, which another thread may be in.
        var saved = sigaction()
        try backend.run {
          try Coroutine.signal(SIGUSR1) { _ in }
          saved = setDisposition(of: SIGUSR1, .defaultAction)
        }
        setDisposition(of: SIGUSR1, saved)
        raiseHere(SIGUSR1)
        #expect(disposition(of: SIGUSR1).handlerAddress == Self.isIgnored)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler that somebody puts back after the loop has given it up is none`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        let previous = try Coroutine.signal(SIGUSR1) { _ in Issue.record("it was given up") }
        let saved = setDisposition(of: SIGUSR1, .defaultAction)
        setDisposition(of: SIGUSR1, saved)
        try Coroutine.signal(SIGUSR1, .ignore)
        setDisposition(of: SIGUSR1, saved)
        raiseHere(SIGUSR1)
        try settle()
        #expect(disposition(of: SIGUSR1).handlerAddress == Self.isIgnored)
        try Coroutine.signal(SIGUSR1, previous)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a thread that is to be cancelled is not cancelled in the middle of a computation`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        var count = 0
        try Coroutine.signal(SIGUSR1) { _ in count += 1 }
        let wasSpared = onNewThread {
          // Later, when it waits; it never does.
          pthread_cancel(pthread_self())
          raiseHere(SIGUSR1)
          return true
        }
        #expect(wasSpared)
        try eventually { count == 1 }
      }
    }
  }
}
