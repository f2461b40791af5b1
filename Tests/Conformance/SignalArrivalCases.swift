import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `Coroutine.signal`: when handlers run and where signals come from.
  @Suite struct SignalArrivals {
    // MARK: When it runs

    @Test(arguments: BackendUnderTest.selected)
    func `a signal wakes a loop in which everything sleeps`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        let (reader, writer) = try Coroutine.pipe()
        Coroutine(daemon: true) { try Coroutine.sleep(60) }.start()
        try Coroutine.signal(SIGUSR1) { _ in try writer.close() }
        let loop = TaskWatch()
        let thread = ThreadJob {
          loop.waitUntilAsleep()
          kill(getpid(), SIGUSR1)
        }
        #expect(try readToEnd(reader, timeout: .seconds(10)).isEmpty)
        thread.join()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal arrives while the main coroutine joins`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        let (reader, writer) = try Coroutine.pipe()
        try Coroutine.signal(SIGUSR1) { _ in try writer.close() }
        let other = Coroutine { _ = try readToEnd(reader) }
        other.start()
        let loop = TaskWatch()
        let thread = ThreadJob {
          loop.waitUntilAsleep()
          kill(getpid(), SIGUSR1)
        }
        try other.join()
        thread.join()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal arrives while the main coroutine is the only one and reads`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        let (reader, writer) = try Coroutine.pipe()
        try Coroutine.signal(SIGUSR1) { number in try writer.writeAll("signal \(number)") }
        let loop = TaskWatch()
        let thread = ThreadJob {
          loop.waitUntilAsleep()
          kill(getpid(), SIGUSR1)
        }
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = try reader.read(into: &buffer)
        #expect(String(decoding: buffer[..<count], as: UTF8.self) == "signal \(SIGUSR1)")
        thread.join()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a computation is not interrupted; the handler runs when it waits`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        var log: [String] = []
        try Coroutine.signal(SIGUSR1) { _ in log.append("handler") }
        var sum: UInt64 = 0
        for number: UInt64 in 0..<20_000 {
          if number == 10_000 { raiseHere(SIGUSR1) }
          sum &+= number
        }
        #expect(sum == 199_990_000)
        log.append("computed")
        try eventually { log.count == 2 }
        #expect(log == ["computed", "handler"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a handler runs although others only ever yield`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var isHandled = false
        try Coroutine.signal(SIGUSR1) { _ in isHandled = true }
        let busy = (0..<3).map { _ in
          Coroutine {
            let deadline = Instant.now + .seconds(10)
            while !isHandled && Instant.now < deadline { try Coroutine.sleep(0) }
          }
        }
        for coroutine in busy { coroutine.start() }
        raiseHere(SIGUSR1)
        for coroutine in busy { try coroutine.join() }
        #expect(isHandled)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a burst is merged into one call while nothing waits`(on backend: BackendUnderTest) throws
    {
      try backend.runUnblocked {
        var count = 0
        try Coroutine.signal(SIGUSR1) { _ in count += 1 }
        for _ in 0..<1000 { raiseHere(SIGUSR1) }
        try eventually { count > 0 }
        try settle()
        #expect(count == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the last signal of many is never lost`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var sent = 0
        var seen = 0
        try Coroutine.signal(SIGUSR1) { _ in seen = sent }
        for round in 1...300 {
          for _ in 0..<(round % 4 + 1) {
            sent += 1
            raiseHere(SIGUSR1)
            if round % 3 != 0 { try Coroutine.sleep(0) }
          }
          try eventually { seen == sent }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the last signal that another thread sends is never lost`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        let (reader, writer) = try Coroutine.pipe()
        var calls = 0
        var isDone = false
        try Coroutine.signal(SIGUSR1) { _ in calls += 1 }
        try Coroutine.signal(SIGUSR2) { _ in
          isDone = true
          try writer.close()
        }
        let loop = pthread_self()
        let thread = ThreadJob {
          for _ in 0..<500 { pthread_kill(loop, SIGUSR1) }
          pthread_kill(loop, SIGUSR2)
        }
        #expect(try readToEnd(reader, timeout: .seconds(10)).isEmpty)
        thread.join()
        #expect(isDone)
        #expect((1...500).contains(calls))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `different signals each reach their own handler`(on backend: BackendUnderTest) throws {
      let signals = [SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH, SIGCONT, SIGURG, SIGQUIT, SIGINT]
      try backend.runUnblocked {
        var calls: [CInt: Int] = [:]
        for number in signals { try Coroutine.signal(number) { calls[$0, default: 0] += 1 } }
        for number in signals { raiseHere(number) }
        try eventually { calls.count == signals.count }
        #expect(calls == Dictionary(uniqueKeysWithValues: signals.map { ($0, 1) }))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `every realtime signal can be handled`(on backend: BackendUnderTest) throws {
      let signals = [CInt](realtimeFirst...64)
      try backend.runUnblocked {
        var seen: Set<CInt> = []
        for number in signals { try Coroutine.signal(number) { _ = seen.insert($0) } }
        for number in signals { raiseHere(number) }
        try eventually { seen.count == signals.count }
        #expect(seen == Set(signals))
      }
    }

    // MARK: Where it comes from

    @Test(arguments: BackendUnderTest.selected)
    func `a signal that another thread gets runs its handler on the loop's thread`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        let loop = pthread_self()
        var isOnLoop: Bool?
        try Coroutine.signal(SIGUSR1) { _ in isOnLoop = pthread_equal(pthread_self(), loop) != 0 }
        let thread = ThreadJob { raiseHere(SIGUSR1) }
        try eventually { isOnLoop != nil }
        thread.join()
        #expect(isOnLoop == true)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a thread that was there before the loop may get the signal`(
      on backend: BackendUnderTest
    ) throws {
      var ends: [CInt] = [-1, -1]
      try #require(Glibc.pipe(&ends) == 0)
      let (readEnd, writeEnd) = (ends[0], ends[1])
      defer { for end in ends { Glibc.close(end) } }
      let thread = ThreadJob {
        var byte: UInt8 = 0
        _ = Glibc.read(readEnd, &byte, 1)
        raiseHere(SIGUSR1)
      }
      try backend.runUnblocked {
        var isHandled = false
        try Coroutine.signal(SIGUSR1) { _ in isHandled = true }
        _ = Glibc.write(writeEnd, "x", 1)
        try eventually { isHandled }
      }
      thread.join()
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an interval timer's signals arrive one after the other`(
      on backend: BackendUnderTest
    ) throws {
      surviveLateAlarms()
      try backend.runUnblocked {
        var count = 0
        try Coroutine.signal(SIGALRM) { _ in count += 1 }
        setIntervalTimer(microseconds: 1_000)
        defer { setIntervalTimer(microseconds: 0) }
        try eventually { count >= 5 }
        setIntervalTimer(microseconds: 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `waits neither fail nor end early in a storm of signals`(
      on backend: BackendUnderTest
    ) throws {
      surviveLateAlarms()
      try backend.runUnblocked {
        var count = 0
        try Coroutine.signal(SIGALRM) { _ in count += 1 }
        setIntervalTimer(microseconds: 200)
        defer { setIntervalTimer(microseconds: 0) }
        let (near, far) = try Coroutine.socketPair(.stream)
        let sleeper = Coroutine {
          let begin = Instant.now
          try Coroutine.sleep(for: .milliseconds(8))
          #expect(Instant.now - begin >= .milliseconds(8))
        }
        let echo = Coroutine {
          var buffer = [UInt8](repeating: 0, count: 4096)
          while case let n = try far.receive(into: &buffer), n > 0 { try far.sendAll(buffer[..<n]) }
        }
        sleeper.start()
        echo.start()
        var buffer = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<100 {
          try near.sendAll(buffer[..<1000])
          var received = 0
          while received < 1000 { received += try near.receive(into: &buffer) }
          try Coroutine.sleep(for: .microseconds(100))
        }
        try near.shutdown(.sending)
        try echo.join()
        try sleeper.join()
        #expect(count > 0)
      }
    }
  }
}
