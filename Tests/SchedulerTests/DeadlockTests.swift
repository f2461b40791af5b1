import CoroutineAPI
import Glibc
import Testing

/// When nothing can ever happen any more.
@Suite struct Deadlocks {
  /// Two coroutines that wait for one another.
  private func startCycle() -> (Coroutine, Coroutine) {
    var second: Coroutine?
    let first = Coroutine(name: "Tristan") {
      try Coroutine.sleep()
      try second?.join()
    }
    let other = Coroutine(name: "Isolde") { try first.join() }
    second = other
    first.start()
    other.start()
    return (first, other)
  }

  @Test func `a cycle of joins is an error for the main coroutine that names everyone`() throws {
    let error = try? withScript { _ in
      let (first, _) = startCycle()
      return #expect(throws: CoroutineError.self) { try first.join() }
    }
    // The loop's end finds the same two again.
    #expect(error == nil)
    let seen = #expect(throws: CoroutineError.self) {
      try withScript { _ in try startCycle().0.join() }
    }
    #expect(seen?.code == .deadlock)
    let text = seen?.description ?? ""
    #expect(text.contains("Tristan") && text.contains("waits for the end of Isolde"), "\(text)")
    #expect(text.contains("Isolde") && text.contains("waits for the end of Tristan"), "\(text)")
  }

  @Test func `the main coroutine may be part of the cycle`() throws {
    try withScript { _ in
      let main = Coroutine.main
      let other = Coroutine { try main.join() }
      other.start()
      expectError(.deadlock) { try other.join() }
    }
  }

  @Test func `the main coroutine goes on after a deadlock`() throws {
    try withScript { backend in
      let main = Coroutine.main
      let other = Coroutine { try main.join() }
      other.start()
      expectError(.deadlock) { try other.join() }
      try Coroutine.sleep(1)
      #expect(backend.elapsed == .seconds(1))
      #expect(other.isAlive)
    }
  }

  @Test func `a deadlock after the body's end is thrown by run, and the others are cancelled`()
    throws
  {
    var reasons: [CoroutineError.Code?] = []
    let error = #expect(throws: CoroutineError.self) {
      try withScript { _ in
        var pair: [Coroutine] = []
        for number in 0..<2 {
          pair.append(
            Coroutine {
              try Coroutine.sleep()
              reasons.append(code { try pair[1 - number].join() })
            })
        }
        for coroutine in pair { coroutine.start() }
      }
    }
    #expect(error?.code == .deadlock)
    // The end of the first lets the second's join succeed, or its cancellation ends it.
    #expect(reasons.count == 2 && reasons.contains(.cancelled))
  }

  @Test func `an error of the body comes before a deadlock after it`() throws {
    struct Mine: Error {}
    #expect(throws: Mine.self) {
      try withScript { _ in
        _ = startCycle()
        throw Mine()
      }
    }
  }

  @Test func `a timer is no deadlock`() throws {
    try withScript { _ in
      let sleeper = Coroutine { try Coroutine.sleep(for: .year) }
      sleeper.start()
      try sleeper.join()
    }
  }

  @Test func `a join with a timeout is no deadlock`() throws {
    try withScript { backend in
      let main = Coroutine.main
      let other = Coroutine { try main.join() }
      other.start()
      let result = try other.join(timeout: .seconds(1))
      #expect(result == false)
      #expect(backend.elapsed == .seconds(1))
    }
  }

  @Test func `an operation in flight is no deadlock`() throws {
    try withScript { backend in
      let end = scripted()
      let reader = Coroutine { try end.readSome() }
      reader.start()
      backend.finish(end.number, after: .year, 1)
      try reader.join()
    }
  }

  @Test func `an operation whose cancellation is not reported is no deadlock`() throws {
    try withScript { backend in
      backend.cancelDelay = .seconds(9)
      let reader = Coroutine { _ = code { try scripted().readSome(timeout: .seconds(1)) } }
      reader.start()
      try reader.join()
      #expect(backend.elapsed == .seconds(10))
    }
  }
}
