import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// What is left of signals when loops end, whoever else has set them.
  @Suite struct SignalEnds {
    @Test(arguments: BackendUnderTest.selected)
    func `of two loops the last one puts back what was there before both`(
      on backend: BackendUnderTest
    ) throws {
      try besideAnotherLoop(backend) { endOther in
        try Coroutine.signal(SIGUSR1) { _ in }
        endOther()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal that goes back to a loop that has ended does what it did before both`(
      on backend: BackendUnderTest
    ) throws {
      try besideAnotherLoop(backend) { endOther in
        let others = try Coroutine.signal(SIGUSR1) { _ in }
        endOther()
        try Coroutine.signal(SIGUSR1, others)
        #expect(disposition(of: SIGUSR1).handlerAddress == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [true, false])
    func `the end leaves alone what somebody else has set since`(
      on backend: BackendUnderTest, wasGivenBack: Bool
    ) throws {
      let before = setDisposition(of: SIGUSR1, .defaultAction)
      defer { setDisposition(of: SIGUSR1, before) }
      try backend.runUnblocked {
        let previous = try Coroutine.signal(SIGUSR1) { _ in }
        if wasGivenBack { try Coroutine.signal(SIGUSR1, previous) }
        setDisposition(of: SIGUSR1, .ignoringAction)
      }
      #expect(disposition(of: SIGUSR1).handlerAddress == 1)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler that somebody else has replaced is not what comes back`(
      on backend: BackendUnderTest
    ) throws {
      let before = setDisposition(of: SIGUSR1, .defaultAction)
      defer { setDisposition(of: SIGUSR1, before) }
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in }
        setDisposition(of: SIGUSR1, .ignoringAction)
        guard case .ignore = try Coroutine.signal(SIGUSR1, .default) else {
          Issue.record("it came back although it was not in place")
          return
        }
      }
    }

    /// Sets a signal when it is released.
    private final class Restorer {
      deinit { _ = try? Coroutine.signal(SIGUSR1, .default) }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler whose end sets signals may be the last`(on backend: BackendUnderTest) throws {
      let before = setDisposition(of: SIGUSR1, .ignoringAction)
      defer { setDisposition(of: SIGUSR1, before) }
      try backend.runUnblocked {
        let restorer = Restorer()
        try Coroutine.signal(SIGUSR1) { _ in withExtendedLifetime(restorer) {} }
      }
      #expect(disposition(of: SIGUSR1).handlerAddress == 1)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal may be set first by one who is being cancelled at the end`(
      on backend: BackendUnderTest
    ) throws {
      var log: [String] = []
      try backend.runUnblocked {
        let (reader, writer) = try Coroutine.pipe()
        Coroutine(daemon: true) {
          defer { log.append("reader") }
          _ = try reader.readBytes(1)
        }.start()
        Coroutine(daemon: true) {
          defer {
            log.append("\((try? Coroutine.signal(SIGUSR1, .ignore)) != nil)")
          }
          try Coroutine.sleep(.infinity)
        }.start()
        withExtendedLifetime(writer) {}
      }
      #expect(log.sorted() == ["reader", "true"])
      #expect(disposition(of: SIGUSR1).handlerAddress == 0)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a loop with handlers leaves no descriptor open`(on backend: BackendUnderTest) throws {
      let before = (CInt(0)..<256).filter(isOpen)
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in }
        raiseHere(SIGUSR1)
        try settle()
      }
      #expect((CInt(0)..<256).filter(isOpen) == before)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `loops that share a signal end at once, again and again`(
      on backend: BackendUnderTest
    ) throws {
      let before = setDisposition(of: SIGUSR1, .ignoringAction)
      defer { setDisposition(of: SIGUSR1, before) }
      let choice = backend.choice
      try backend.run {}
      let threads = (0..<4).map { _ in
        ThreadJob {
          for _ in 0..<20 {
            try? Coroutine.run(on: choice) {
              try Coroutine.signal(SIGUSR1) { _ in }
              raiseHere(SIGUSR1)
              try Coroutine.sleep()
            }
          }
        }
      }
      for thread in threads { thread.join() }
      #expect(disposition(of: SIGUSR1).handlerAddress == 1)
    }
  }
}
