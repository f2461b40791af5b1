@testable import CoroutineAPI
import Glibc
import Testing

/// `cancel()` against an operation, a timer and the end of a loop, at exact moments.
@Suite struct Cancellation {
  /// Starts a coroutine that reads, with `timeout`, and then sleeps twice; what it was told.
  private final class Reader {
    private final class Answers {
      var count: Int?
      var codes: [CoroutineError.Code?] = []
    }

    private let answers: Answers
    let coroutine: Coroutine

    var count: Int? { answers.count }
    var codes: [CoroutineError.Code?] { answers.codes }

    init(_ end: PipeEnd, timeout: Duration? = nil) {
      let answers = Answers()
      self.answers = answers
      coroutine = Coroutine {
        answers.codes.append(code { answers.count = try end.readSome(timeout: timeout) })
        for _ in 0..<2 { answers.codes.append(code { try Coroutine.sleep(1) }) }
      }
      coroutine.start()
    }
  }

  @Test func `an operation that wins is delivered, and the next wait throws`() throws {
    try withScript { backend in
      let end = scripted()
      backend.cancelDelay = nil
      let reader = Reader(end)
      reader.coroutine.cancel()
      #expect(backend.cancelled == [end.number])
      backend.finish(end.number, after: .seconds(1), 7)
      try reader.coroutine.join()
      #expect(reader.count == 7 && reader.codes == [nil, .cancelled, nil])
    }
  }

  @Test func `the operation is cancelled once, and the error is thrown once`() throws {
    try withScript { backend in
      let end = scripted()
      backend.cancelDelay = .seconds(1)
      let reader = Reader(end)
      for _ in 0..<3 {
        reader.coroutine.cancel()
        try Coroutine.sleep(0.2)
      }
      try reader.coroutine.join()
      #expect(backend.cancelled == [end.number])
      #expect(reader.count == nil && reader.codes == [.cancelled, nil, nil])
    }
  }

  @Test func `the first of a cancellation and a timeout is what the call throws`() throws {
    try withScript { backend in
      let end = scripted()
      backend.cancelDelay = .seconds(5)
      let first = Reader(end, timeout: .seconds(2))
      try Coroutine.sleep(1)
      first.coroutine.cancel()
      try first.coroutine.join()
      #expect(first.codes == [.cancelled, nil, nil])

      let second = Reader(end, timeout: .seconds(1))
      try Coroutine.sleep(2)
      second.coroutine.cancel()
      try second.coroutine.join()
      #expect(second.codes == [.timeout, .cancelled, nil])
    }
  }

  @Test func `delivered and not resumed, it has succeeded`() throws {
    try withScript { backend in
      let (first, second) = (scripted(1), scripted(2))
      let reader = Reader(second)
      var ahead: Coroutine?
      ahead = Coroutine {
        try first.readSome()
        reader.coroutine.cancel()
      }
      ahead?.start()
      backend.finish(first.number, after: .seconds(1), 1)
      backend.finish(second.number, after: .seconds(1), 2)
      try reader.coroutine.join()
      #expect(reader.count == 2 && reader.codes == [nil, .cancelled, nil])
    }
  }

  @Test func `a sleep whose time has come has ended`() throws {
    try withScript { _ in
      var codes: [CoroutineError.Code?] = []
      var target: Coroutine?
      let ahead = Coroutine {
        try Coroutine.sleep(1)
        target?.cancel()
      }
      ahead.start()
      target = Coroutine {
        for _ in 0..<3 { codes.append(code { try Coroutine.sleep(1) }) }
      }
      target?.start()
      try target?.join()
      #expect(codes == [nil, .cancelled, nil])
    }
  }

  @Test func `a join whose target has ended has succeeded`() throws {
    try withScript { _ in
      let target = Coroutine { try Coroutine.sleep(1) }
      target.start()
      var codes: [CoroutineError.Code?] = []
      var joiner: Coroutine?
      let ahead = Coroutine {
        try target.join()
        joiner?.cancel()
      }
      ahead.start()
      joiner = Coroutine {
        codes.append(code { try target.join() })
        codes.append(code { try Coroutine.sleep(1) })
      }
      joiner?.start()
      try joiner?.join()
      #expect(codes == [nil, .cancelled])
    }
  }

  @Test func `at the end of a loop each wait throws, whatever cancel() said`() throws {
    var codes: [CoroutineError.Code?] = []
    try withScript { _ in
      let daemon = Coroutine(daemon: true) {
        codes.append(code { try Coroutine.sleep(.infinity) })
        Coroutine.current.cancel()
        for _ in 0..<3 { codes.append(code { try Coroutine.sleep(1) }) }
      }
      daemon.start()
      daemon.cancel()
      daemon.cancel()
      try Coroutine.sleep(0)
      // Its next wait is the loop's to end.
    }
    #expect(codes == [.cancelled, .cancelled, .cancelled, .cancelled])
  }

  @Test func `a cancellation of who is being joined leaves no timer behind`() throws {
    try withScript { backend in
      let target = Coroutine { try Coroutine.sleep(for: .seconds(100)) }
      target.start()
      let joiner = Coroutine { try target.join(timeout: .seconds(50)) }
      joiner.start()
      joiner.cancel()
      target.cancel()
      try joiner.join()
      try target.join()
      #expect(loop.timers.isEmpty)
      #expect(backend.elapsed == .zero)
    }
  }
}
