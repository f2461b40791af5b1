import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// What `Coroutine.signal` returns, sets, refuses and puts back, after Python's `signal` module.
  @Suite struct SignalDispositions {
    // MARK: What it returns

    @Test(arguments: BackendUnderTest.selected)
    func `each call returns what the signal did before`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var log: [String] = []
        let first = try Coroutine.signal(SIGUSR1) { _ in log.append("a") }
        let second = try Coroutine.signal(SIGUSR1) { _ in log.append("b") }
        let third = try Coroutine.signal(SIGUSR1, .ignore)
        let fourth = try Coroutine.signal(SIGUSR1, .default)
        let fifth = try Coroutine.signal(SIGUSR1, .default)
        #expect([first, second, third, fourth, fifth].map(\.kind).joined() == "dhhid")
        for action in [second, third] {
          if case .handler(let handler) = action { try handler(SIGUSR1) }
        }
        #expect(log == ["a", "b"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `handlers nest: what came back can be set again`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var log: [String] = []
        try Coroutine.signal(SIGUSR1) { _ in log.append("outer") }
        let outer = try Coroutine.signal(SIGUSR1) { _ in log.append("inner") }
        raiseHere(SIGUSR1)
        try eventually { log.count == 1 }
        try Coroutine.signal(SIGUSR1, outer)
        raiseHere(SIGUSR1)
        try eventually { log.count == 2 }
        #expect(log == ["inner", "outer"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a foreign handler comes back and is restored exactly`(
      on backend: BackendUnderTest
    ) throws {
      var foreign = sigaction()
      foreign.__sigaction_handler.sa_sigaction = { _, _, _ in }
      foreign.sa_flags = SA_SIGINFO | SA_NODEFER
      sigaddset(&foreign.sa_mask, SIGUSR2)
      let before = setDisposition(of: SIGUSR1, foreign)
      defer { setDisposition(of: SIGUSR1, before) }
      try backend.runUnblocked {
        let previous = try Coroutine.signal(SIGUSR1) { _ in }
        #expect(previous.kind == "f")
        #expect(disposition(of: SIGUSR1).handlerAddress != foreign.handlerAddress)
        // A coroutine's stack is small, and the program's calls go on after the signal.
        let flags = disposition(of: SIGUSR1).sa_flags
        #expect(flags & SA_ONSTACK != 0 && flags & SA_RESTART != 0)
        #expect(try Coroutine.signal(SIGUSR1, previous).kind == "h")
        expectSame(disposition(of: SIGUSR1), foreign)
        raiseHere(SIGUSR1)
      }
      expectSame(disposition(of: SIGUSR1), foreign)
    }

    // MARK: Default and ignore

    @Test(arguments: BackendUnderTest.selected)
    func `an ignored signal does nothing`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in Issue.record("the handler was replaced") }
        try Coroutine.signal(SIGUSR1, .ignore)
        raiseHere(SIGUSR1)
        try settle()
        #expect(disposition(of: SIGUSR1).handlerAddress == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `default gives the signal back to the kernel`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        try Coroutine.signal(SIGURG) { _ in Issue.record("the handler was removed") }
        try Coroutine.signal(SIGURG, .default)
        #expect(disposition(of: SIGURG).handlerAddress == 0)
        raiseHere(SIGURG)  // Which the kernel discards by default.
        try settle()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `after ignore and default a handler can be set again`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        var count = 0
        for action: SignalAction in [.ignore, .default] {
          try Coroutine.signal(SIGURG, action)
          raiseHere(SIGURG)
          try Coroutine.signal(SIGURG) { _ in count += 1 }
          raiseHere(SIGURG)
          let expected = count + 1
          try eventually { count > 0 }
          try settle()
          #expect(count <= expected)
        }
        #expect(count == 2)
      }
    }

    // MARK: What it refuses

    @Test(arguments: BackendUnderTest.selected)
    func `signals that can't be handled are refused`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        for number in [SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP] {
          expectRefusal(number)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `numbers that are no signals are refused`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        // glibc keeps 32 and 33 for its threads.
        for number: CInt in [0, -1, 32, 33, 65, 1000, .max, .min] { expectRefusal(number) }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a refused call changes nothing`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        let before = disposition(of: SIGSEGV)
        expectRefusal(SIGSEGV)
        expectSame(disposition(of: SIGSEGV), before)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `on a thread without a loop it is misuse`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        let error = onNewThread {
          caught { () throws(CoroutineError) in try Coroutine.signal(SIGUSR1, .ignore) }
        }
        #expect(error?.code == .misuse)
      }
    }

    // MARK: Deadlocks

    @Test(arguments: BackendUnderTest.selected)
    func `waiting is no deadlock while a handler is there, and is one when it is gone`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        var log: [String] = []
        try Coroutine.signal(SIGUSR1) { _ in
          log.append("handled")
          try Coroutine.signal(SIGUSR1, .default)
        }
        let main = Coroutine.main
        let other = Coroutine(name: "other", daemon: true) { try main.join() }
        other.start()
        let loop = TaskWatch()
        let thread = ThreadJob {
          loop.waitUntilAsleep()
          kill(getpid(), SIGUSR1)
        }
        do throws(CoroutineError) {
          try other.join()
          Issue.record("the join ended, although nothing could end it")
        } catch {
          #expect(error.code == .deadlock)
          #expect(error.description.contains("other"))
          log.append("deadlock")
        }
        #expect(log == ["handled", "deadlock"])
        thread.join()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal that is ignored does not hide a deadlock`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in }
        try Coroutine.signal(SIGUSR1, .ignore)
        let main = Coroutine.main
        let other = Coroutine(daemon: true) { try main.join() }
        other.start()
        do throws(CoroutineError) {
          try other.join()
          Issue.record("the join ended, although nothing could end it")
        } catch {
          #expect(error.code == .deadlock)
        }
      }
    }

    // MARK: The end of a loop

    @Test(arguments: BackendUnderTest.selected)
    func `the end of the loop puts back what was there before it`(
      on backend: BackendUnderTest
    ) throws {
      let before = [
        setDisposition(of: SIGUSR1, .ignoringAction), setDisposition(of: SIGUSR2, .defaultAction),
      ]
      defer {
        setDisposition(of: SIGUSR1, before[0])
        setDisposition(of: SIGUSR2, before[1])
      }
      try backend.runUnblocked {
        for number in [SIGUSR1, SIGUSR2] {
          try Coroutine.signal(number) { _ in }
          try Coroutine.signal(number, .ignore)
          try Coroutine.signal(number, .default)
          try Coroutine.signal(number) { _ in }
          #expect(disposition(of: number).handlerAddress > 1)
        }
      }
      #expect(disposition(of: SIGUSR1).handlerAddress == 1)
      #expect(disposition(of: SIGUSR2).handlerAddress == 0)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error that leaves the body puts dispositions back too`(
      on backend: BackendUnderTest
    ) throws {
      struct Refusal: Error {}
      #expect(throws: Refusal.self) {
        try backend.runUnblocked {
          try Coroutine.signal(SIGUSR1) { _ in }
          throw Refusal()
        }
      }
      #expect(disposition(of: SIGUSR1).handlerAddress == 0)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `loops in sequence each have their own handlers`(on backend: BackendUnderTest) throws {
      var log: [String] = []
      for name in ["a", "b", "c"] {
        try backend.runUnblocked {
          let previous = try Coroutine.signal(SIGUSR1) { _ in log.append(name) }
          #expect(previous.kind == "d")
          raiseHere(SIGUSR1)
          try eventually { log.last == name }
        }
      }
      #expect(log == ["a", "b", "c"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal that came too late for one loop does not reach the next`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in }
        raiseHere(SIGUSR1)
      }
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in Issue.record("the signal was another loop's") }
        try settle()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a loop in another thread borrows a signal and gives it back`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        var count = 0
        try Coroutine.signal(SIGUSR1) { _ in count += 1 }
        let choice = backend.choice
        let log = onNewThread { () -> [String] in
          var log: [String] = []
          do {
            try Coroutine.run(on: choice) {
              let previous = try Coroutine.signal(SIGUSR1) { _ in log.append("handled") }
              log.append(previous.kind)
              raiseHere(SIGUSR1)
              try eventually { log.count > 1 }
            }
          } catch {
            log.append("\(error)")
          }
          return log
        }
        #expect(log == ["f", "handled"])
        #expect(count == 0)
        raiseHere(SIGUSR1)
        try eventually { count == 1 }
      }
      #expect(disposition(of: SIGUSR1).handlerAddress == 0)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a loop that ends leaves a signal alone that another has by then`(
      on backend: BackendUnderTest
    ) throws {
      try withUnblockedSignals {
        let before = setDisposition(of: SIGUSR1, .defaultAction)
        defer { setDisposition(of: SIGUSR1, before) }
        let choice = backend.choice
        let (isSet, isOver) = (Gate(), Gate())
        // Its loop gets the signal first, and ends first.
        let thread = ThreadJob {
          try? Coroutine.run(on: choice) {
            try Coroutine.signal(SIGUSR1) { _ in Issue.record("another loop has the signal") }
            isSet.open()
            isOver.wait()
          }
        }
        try backend.runUnblocked {
          var count = 0
          isSet.wait()
          try Coroutine.signal(SIGUSR1) { _ in count += 1 }
          isOver.open()
          thread.join()
          raiseHere(SIGUSR1)
          try eventually { count == 1 }
        }
        #expect(disposition(of: SIGUSR1).handlerAddress == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `handlers of many loops use up no descriptors`(on backend: BackendUnderTest) throws {
      func loop() throws -> CInt {
        try backend.runUnblocked {
          try Coroutine.signal(SIGUSR1) { _ in }
          raiseHere(SIGUSR1)
          try settle()
          return try Coroutine.pipe().reader.fileDescriptor.rawValue
        }
      }
      let first = try loop()
      for _ in 0..<20 { #expect(try loop() == first) }
    }
  }
}

extension SignalAction {
  /// One letter a case.
  fileprivate var kind: String {
    switch self {
    case .default: "d"
    case .ignore: "i"
    case .handler: "h"
    case .dump: "u"
    case .foreign: "f"
    }
  }
}

private func expectRefusal(_ number: CInt) {
  for action: SignalAction in [.handler { _ in }, .ignore, .default] {
    do throws(CoroutineError) {
      try Coroutine.signal(number, action)
      Issue.record("signal \(number) was accepted")
    } catch {
      #expect(error.code == .invalidArgument)
      #expect(error.description.contains("\(number)"))
    }
  }
}

private func expectSame(_ left: sigaction, _ right: sigaction) {
  #expect(left.handlerAddress == right.handlerAddress)
  // SA_RESTORER is glibc's own affair.
  #expect(left.sa_flags & ~0x0400_0000 == right.sa_flags & ~0x0400_0000)
  var masks = (left.sa_mask, right.sa_mask)
  for number: CInt in 1...31 {
    #expect(sigismember(&masks.0, number) == sigismember(&masks.1, number))
  }
}
