import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `Coroutine.signal`: what handlers may do, after Python's `signal` module.
  @Suite struct SignalHandlers {
    @Test(arguments: BackendUnderTest.selected)
    func `a handler is given the signal's number`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var numbers: [CInt] = []
        try Coroutine.signal(SIGUSR1) { numbers.append($0) }
        raiseHere(SIGUSR1)
        try eventually { !numbers.isEmpty }
        #expect(numbers == [SIGUSR1])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler runs in a coroutine of its own`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var identities: [UInt64?] = []
        try Coroutine.signal(SIGUSR1) { _ in identities.append(Coroutine.current.ident) }
        raiseHere(SIGUSR1)
        try eventually { identities.count == 1 }
        raiseHere(SIGUSR1)
        try eventually { identities.count == 2 }
        identities.append(Coroutine.main.ident)
        #expect(Set(identities).count == 3)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler may sleep while others run`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var log: [String] = []
        try Coroutine.signal(SIGUSR1) { _ in
          log.append("begins")
          // Until the main coroutine was seen to run, however busy the machine is.
          repeat { try Coroutine.sleep(for: .milliseconds(1)) } while log.count < 2
          log.append("ends")
        }
        raiseHere(SIGUSR1)
        try eventually { !log.isEmpty }
        log.append("main")
        try eventually { log.count == 3 }
        #expect(log == ["begins", "main", "ends"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler may start and join coroutines`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var log: [String] = []
        try Coroutine.signal(SIGUSR1) { _ in
          let worker = Coroutine {
            try Coroutine.sleep(for: .milliseconds(1))
            log.append("worker")
          }
          worker.start()
          try worker.join()
          log.append("handler")
        }
        raiseHere(SIGUSR1)
        try eventually { log.count == 2 }
        #expect(log == ["worker", "handler"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler may read and write`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        let (reader, writer) = try Coroutine.pipe()
        let (reply, replier) = try Coroutine.pipe()
        var hasBegun = false
        try Coroutine.signal(SIGUSR1) { _ in
          hasBegun = true
          var buffer = [UInt8](repeating: 0, count: 16)
          let count = try reader.read(into: &buffer)
          try replier.writeAll(buffer[..<count])
        }
        raiseHere(SIGUSR1)
        try eventually { hasBegun }
        try writer.writeAll("ping")
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = try reply.read(into: &buffer)
        #expect(String(decoding: buffer[..<count], as: UTF8.self) == "ping")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a second signal does not wait for the first one's handler`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        let (reader, writer) = try Coroutine.pipe()
        var begun = 0
        var ended = 0
        try Coroutine.signal(SIGUSR1) { _ in
          begun += 1
          var byte = [UInt8](repeating: 0, count: 1)
          _ = try reader.read(into: &byte)
          ended += 1
        }
        for number in 1...3 {
          raiseHere(SIGUSR1)
          try eventually { begun == number }
        }
        #expect(ended == 0)
        try writer.writeAll("123")
        try eventually { ended == 3 }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler may replace itself`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var log: [String] = []
        try Coroutine.signal(SIGUSR1) { _ in
          log.append("first")
          try Coroutine.signal(SIGUSR1) { _ in log.append("second") }
        }
        for count in 1...3 {
          raiseHere(SIGUSR1)
          try eventually { log.count == count }
        }
        #expect(log == ["first", "second", "second"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler's error goes to the hook, and the next signal is handled`(
      on backend: BackendUnderTest
    ) throws {
      struct Refusal: Error, Equatable { let number: CInt }
      try backend.runUnblocked {
        var errors: [any Error] = []
        var reporters: [UInt64?] = []
        Coroutine.uncaughtErrorHook = { coroutine, error in
          errors.append(error)
          reporters.append(coroutine.ident)
        }
        try Coroutine.signal(SIGUSR1) { throw Refusal(number: $0) }
        for count in 1...2 {
          raiseHere(SIGUSR1)
          try eventually { errors.count == count }
        }
        #expect(
          errors.map { $0 as? Refusal } == [Refusal(number: SIGUSR1), .init(number: SIGUSR1)])
        #expect(!reporters.contains(Coroutine.main.ident))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler that was replaced is released`(on backend: BackendUnderTest) throws {
      final class Witness {
        let onEnd: () -> Void
        init(_ onEnd: @escaping () -> Void) { self.onEnd = onEnd }
        deinit { onEnd() }
      }
      try backend.runUnblocked {
        var isReleased = false
        do {
          let witness = Witness { isReleased = true }
          try Coroutine.signal(SIGUSR1) { _ in _ = witness }
        }
        #expect(!isReleased)
        try Coroutine.signal(SIGUSR1, .default)
        #expect(isReleased)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end of the body waits for a handler that runs`(on backend: BackendUnderTest) throws {
      var log: [String] = []
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in
          log.append("begins")
          try Coroutine.sleep(for: .milliseconds(3))
          log.append("ends")
        }
        raiseHere(SIGUSR1)
        try eventually { !log.isEmpty }
      }
      #expect(log == ["begins", "ends"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end of the body does not wait for signals to come`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        _ = try Coroutine.signal(SIGUSR1) { _ in Issue.record("nobody sent a signal") }
      }
    }
  }
}
