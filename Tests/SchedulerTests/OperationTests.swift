import CoroutineAPI
import Glibc
import SystemPackage
import Testing

/// What a coroutine gets from an operation, whoever wins a race.
@Suite struct Operations {
  @Test func `one that finishes at once returns without a wait`() throws {
    try withScript { backend in
      backend.answer = { _ in 7 }
      let result = try scripted().readSome()
      #expect(result == 7)
      #expect(backend.waits.isEmpty)
    }
  }

  @Test func `one that waits returns what the kernel reports`() throws {
    try withScript { backend in
      let end = scripted()
      backend.finish(end.number, after: .seconds(3), 5)
      let result = try end.readSome()
      #expect(result == 5)
      #expect(backend.elapsed == .seconds(3))
      #expect(backend.waits == [.forever])
    }
  }

  @Test func `a negated errno value becomes an error that names it`() throws {
    try withScript { backend in
      let end = scripted()
      backend.finish(end.number, -Int(ECONNRESET))
      let error = #expect(throws: CoroutineError.self) { try end.readSome() }
      #expect(error?.code == .system)
      #expect(error?.errno == .connectionReset)
    }
  }

  @Test func `a timeout of zero tries once and never parks`() throws {
    try withScript { backend in
      for timeout in [Duration.zero, .seconds(-1)] {
        expectError(.timeout) { try scripted().readSome(timeout: timeout) }
      }
      backend.answer = { _ in 3 }
      let result = try scripted().readSome(timeout: .zero)
      #expect(result == 3)
      #expect(backend.waits.isEmpty)
    }
  }

  // MARK: Races with a timeout

  @Test func `one that finishes before its time is up leaves no timer behind`() throws {
    try withScript { backend in
      let end = scripted()
      backend.finish(end.number, after: .seconds(1), 5)
      let result = try end.readSome(timeout: .seconds(2))
      #expect(result == 5)
      try Coroutine.sleep(10)
      #expect(backend.waits == [.until(.zero + .seconds(2)), .until(.zero + .seconds(11))])
      #expect(backend.cancelled.isEmpty)
    }
  }

  @Test func `one whose time is up is cancelled once, and that is a timeout`() throws {
    try withScript { backend in
      let end = scripted()
      expectError(.timeout) { try end.readSome(timeout: .seconds(2)) }
      #expect(backend.elapsed == .seconds(2))
      #expect(backend.cancelled == [end.number])
    }
  }

  @Test func `one that finishes in the very wait in which its time is up succeeds`() throws {
    try withScript { backend in
      let end = scripted()
      backend.finish(end.number, after: .seconds(2), 5)
      let result = try end.readSome(timeout: .seconds(2))
      #expect(result == 5)
      #expect(backend.cancelled.isEmpty)
    }
  }

  @Test func `one that finished succeeds although its time is up before it resumes`() throws {
    try withScript { backend in
      let (first, second) = (scripted(1), scripted(2))
      var count: Int?
      Coroutine { count = try second.readSome(timeout: .seconds(2)) }.start()
      // Its report is ahead; it takes its time, and makes the loop look at the clock.
      Coroutine {
        try first.readSome()
        backend.pass(.seconds(5))
        for _ in 0..<100 { Coroutine {}.start() }
      }.start()
      for end in [first, second] { backend.finish(end.number, after: .seconds(1), 5) }
      try Coroutine.sleep(20)
      #expect(count == 5)
      #expect(backend.cancelled.isEmpty)
    }
  }

  @Test func `nothing resumes before the report`() throws {
    try withScript { backend in
      backend.cancelDelay = nil
      let end = scripted()
      backend.finish(end.number, after: .seconds(60), -Int(ECANCELED))
      expectError(.timeout) { try end.readSome(timeout: .seconds(2)) }
      #expect(backend.elapsed == .seconds(60))
      #expect(backend.cancelled == [end.number])
      #expect(backend.inFlight.isEmpty)
    }
  }

  @Test func `a success after the timeout is delivered as a success`() throws {
    try withScript { backend in
      backend.cancelDelay = nil
      let end = scripted()
      backend.finish(end.number, after: .seconds(60), 5)
      let result = try end.readSome(timeout: .seconds(2))
      #expect(result == 5)
      #expect(backend.cancelled == [end.number])
    }
  }

  @Test func `an error after the timeout is delivered as that error`() throws {
    try withScript { backend in
      backend.cancelDelay = nil
      let end = scripted()
      backend.finish(end.number, after: .seconds(60), -Int(EPIPE))
      let error = #expect(throws: CoroutineError.self) { try end.readSome(timeout: .seconds(2)) }
      #expect(error?.errno == .brokenPipe)
    }
  }

  @Test func `others run while a cancelled operation is not reported`() throws {
    try withScript { backend in
      backend.cancelDelay = .seconds(10)
      var ticks = 0
      Coroutine {
        for _ in 0..<10 {
          try Coroutine.sleep(1)
          ticks += 1
        }
      }.start()
      expectError(.timeout) { try scripted().readSome(timeout: .seconds(1)) }
      #expect(ticks == 10)
    }
  }

  @Test func `a timeout is good for one call`() throws {
    try withScript { backend in
      let end = scripted()
      expectError(.timeout) { try end.readSome(timeout: .seconds(1)) }
      backend.finish(end.number, after: .seconds(5), 4)
      let result = try end.readSome(timeout: .seconds(9))
      #expect(result == 4)
      #expect(backend.elapsed == .seconds(6))
    }
  }

  // MARK: Two on one descriptor

  @Test func `two that wait on one descriptor are both served, in order`() throws {
    try withScript { backend in
      let end = scripted()
      var log: [String] = []
      for name in ["first", "second"] {
        Coroutine { log.append("\(name): \(try end.readSome())") }.start()
      }
      backend.finish(end.number, after: .seconds(1), 10)
      backend.finish(end.number, after: .seconds(2), 20)
      try Coroutine.sleep(3)
      #expect(log == ["first: 10", "second: 20"])
    }
  }

  @Test func `one of two that gives up leaves the other waiting`() throws {
    try withScript { backend in
      let end = scripted()
      var log: [String] = []
      Coroutine {
        let reason = code { try end.readSome(timeout: .seconds(1)) }
        log.append("first: \(String(describing: reason?.description))")
      }.start()
      Coroutine { log.append("second: \(try end.readSome())") }.start()
      backend.finish(end.number, after: .seconds(2), 20)
      try Coroutine.sleep(3)
      #expect(log == ["first: Optional(\"timeout\")", "second: 20"])
      #expect(backend.cancelled == [end.number])
    }
  }

  @Test func `one reads while another writes`() throws {
    try withScript { backend in
      let end = scripted()
      var log: [String] = []
      Coroutine { log.append("read \(try end.readSome())") }.start()
      Coroutine { log.append("wrote \(try end.write([1, 2, 3]))") }.start()
      let writing = backend.inFlight.count
      backend.finish(end.number, 1)
      backend.finish(end.number, 3)
      try Coroutine.sleep(1)
      #expect(writing == 2)
      #expect(log == ["read 1", "wrote 3"])
    }
  }
}
