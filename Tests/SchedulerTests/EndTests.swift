@testable import CoroutineAPI
import Glibc
import Testing

/// The beginning and the end of a loop.
@Suite struct Ends {
  struct Mine: Error, Equatable {}

  @Test func `run returns what its body returns`() throws {
    let result = try withScript { _ in 42 }
    #expect(result == 42)
  }

  @Test func `run throws what its body throws`() {
    #expect(throws: Mine()) { try withScript { _ in throw Mine() } }
  }

  @Test func `the body's code runs as the main coroutine`() throws {
    try withScript { _ in
      #expect(Coroutine.current === Coroutine.main)
      #expect(Coroutine.activeCount == 1)
      #expect(!Coroutine.main.isDaemon)
    }
  }

  @Test func `who is not a daemon runs to the end`() throws {
    var log: [Int] = []
    try withScript { _ in
      for number in [3, 1, 2] {
        Coroutine {
          try Coroutine.sleep(for: .seconds(number))
          Coroutine {
            try Coroutine.sleep(10)
            log.append(number)
          }.start()
        }.start()
      }
    }
    #expect(log == [1, 2, 3])
  }

  @Test func `they do so although the body throws`() {
    var isDone = false
    #expect(throws: Mine()) {
      try withScript { _ in
        Coroutine {
          try Coroutine.sleep(1)
          isDone = true
        }.start()
        throw Mine()
      }
    }
    #expect(isDone)
  }

  @Test func `daemons are cancelled then, and every wait throws`() throws {
    var reasons: [CoroutineError.Code?] = []
    let end = scripted()
    try withScript { _ in
      Coroutine(daemon: true) {
        reasons.append(code { try Coroutine.sleep(.infinity) })
        reasons.append(code { try Coroutine.sleep() })
        reasons.append(code { try Coroutine.sleep(1) })
        reasons.append(code { try end.readSome() })
        reasons.append(code { try Coroutine.main.join(timeout: .seconds(1)) })
      }.start()
    }
    #expect(reasons == [.cancelled, .cancelled, .cancelled, .cancelled, nil])
  }

  @Test func `daemons live while someone who is none does`() throws {
    var ticks = 0
    try withScript { _ in
      Coroutine(daemon: true) {
        while true {
          try Coroutine.sleep(1)
          ticks += 1
        }
      }.start()
      Coroutine(daemon: false) { try Coroutine.sleep(5.5) }.start()
    }
    #expect(ticks == 5)
  }

  @Test(arguments: ["sleep", "read", "join", "read with a timeout"])
  func `a daemon's wait under way ends as cancelled`(wait: String) throws {
    var reason: CoroutineError.Code?
    try withScript { _ in
      let sleeper = Coroutine(daemon: true) { try Coroutine.sleep(.infinity) }
      sleeper.start()
      Coroutine(daemon: true) {
        reason = code {
          switch wait {
          case "sleep": try Coroutine.sleep(1_000)
          case "read": try scripted().readSome()
          case "join": try sleeper.join(timeout: .seconds(1_000))
          default: try scripted().readSome(timeout: .seconds(1_000))
          }
        }
      }.start()
    }
    // The sleeper is cancelled too, so a join may as well see its end.
    #expect(wait == "join" ? reason == nil || reason == .cancelled : reason == .cancelled)
  }

  @Test func `the end waits for the reports of what it cancels`() throws {
    try withScript { backend in
      backend.cancelDelay = .seconds(5)
      Coroutine(daemon: true) {
        _ = code { try scripted().readSome() }
        #expect(backend.elapsed == .seconds(5))
      }.start()
    }
  }

  @Test func `an operation that beats the end's cancellation is delivered`() throws {
    var log: [String] = []
    try withScript { backend in
      backend.cancelDelay = nil
      let end = scripted()
      backend.finish(end.number, after: .seconds(5), 8)
      Coroutine(daemon: true) {
        log.append("\(try end.readSome())")
        log.append("\(code { try end.readSome() }?.description ?? "nothing")")
      }.start()
    }
    #expect(log == ["8", "cancelled"])
  }

  @Test func `a coroutine that a daemon starts at the end is cancelled as well`() throws {
    var reason: CoroutineError.Code?
    try withScript { _ in
      Coroutine(daemon: true) {
        defer { Coroutine(daemon: false) { reason = code { try Coroutine.sleep(1) } }.start() }
        try Coroutine.sleep(.infinity)
      }.start()
    }
    #expect(reason == .cancelled)
  }

  @Test func `a coroutine that ignores its cancellation for ever is named, not left to hang`() async
  {
    await #expect(processExitsWith: .failure) {
      try withScript { _ in
        Coroutine(name: "stubborn", daemon: true) {
          while true { _ = code { try Coroutine.sleep(1) } }
        }.start()
      }
    }
  }

  @Test func `a joiner of the main coroutine wakes when the body is over`() throws {
    var isWoken = false
    try withScript { _ in
      let main = Coroutine.main
      Coroutine {
        try main.join()
        isWoken = true
        #expect(!main.isAlive)
      }.start()
    }
    #expect(isWoken)
  }

  @Test func `signal handling ends before the backend is closed`() throws {
    try withScript { backend in
      backend.cancelDelay = .seconds(1)
      try Coroutine.signal(SIGURG) { _ in }
      #expect(backend.inFlight.count == 1)
    }
  }

  @Test func `an error that leaves a coroutine goes to the hook and ends nothing else`() throws {
    try withScript { _ in
      var log: [String] = []
      Coroutine.uncaughtErrorHook = { coroutine, error in log.append("\(coroutine.name): \(error)")
      }
      let failing = Coroutine(name: "failing") { throw Mine() }
      failing.start()
      try failing.join()
      #expect(log == ["failing: Mine()"])
    }
  }

  // MARK: The backend's life

  @Test func `a backend that can't be made fails the run, and its body does not run`() throws {
    let choice = BackendChoice("broken") { () throws(CoroutineError) in
      throw CoroutineError(.unavailable, call: "the broken backend", detail: "it is broken")
    }
    var hasRun = false
    let error = #expect(throws: CoroutineError.self) {
      try Coroutine.run(on: choice) { hasRun = true }
    }
    #expect(error?.code == .unavailable)
    #expect(!hasRun)
    // Nothing is left of it: the thread can have another loop.
    try withScript { _ in try Coroutine.sleep(1) }
  }

  @Test func `a run inside a run is refused`() throws {
    try withScript { _ in
      expectError(.misuse) { try withScript { _ in } }
      try Coroutine.sleep(1)
    }
  }

  @Test func `one loop after another on one thread`() throws {
    for _ in 0..<100 {
      try withScript { _ in
        Coroutine { try Coroutine.sleep(1) }.start()
        try Coroutine.sleep(for: .milliseconds(500))
      }
    }
  }

  @Test func `the backend is closed at the end, once`() throws {
    let backend = try withScript { $0 }
    #expect(backend.isClosed)
  }

  @Test func `the first call that blocks makes the backend, and none before`() throws {
    nonisolated(unsafe) var made = 0
    let choice = BackendChoice("counted") { () throws(CoroutineError) in
      made += 1
      return ScriptedBackend()
    }
    let scheduler = Scheduler.make(choice: choice)
    defer {
      _ = scheduler.endOfRun()
      scheduler.destroy()
    }
    let other = Coroutine { try Coroutine.sleep() }
    other.start()
    try Coroutine.sleep()
    try other.join()
    _ = (Coroutine.current.name, Coroutine.activeCount, Instant.now)
    #expect(made == 0)
    try Coroutine.sleep(1)
    try Coroutine.sleep(1)
    #expect(made == 1)
  }

  @Test func `a backend that can't be made fails each call that blocks`() throws {
    let choice = BackendChoice("broken") { () throws(CoroutineError) in
      throw CoroutineError(.unavailable, call: "the broken backend", detail: "it is broken")
    }
    let scheduler = Scheduler.make(choice: choice)
    defer {
      _ = scheduler.endOfRun()
      scheduler.destroy()
    }
    expectError(.unavailable) { try Coroutine.sleep(1) }
    expectError(.unavailable) { try Coroutine.sleep(for: .seconds(1)) }
    expectError(.unavailable) { try scripted().readSome() }
    expectError(.unavailable) { _ = try Coroutine.pipe() }
    try Coroutine.sleep()
  }
}
