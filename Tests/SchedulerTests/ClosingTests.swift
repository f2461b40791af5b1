@testable import CoroutineAPI
import Glibc
import Testing

/// Closing a descriptor while others wait on it.
@Suite struct Closing {
  @Test func `who waits on a descriptor that is closed gets an error`() throws {
    try withScript { backend in
      let end = scripted()
      var reasons: [CoroutineError.Code?] = []
      for _ in 0..<3 { Coroutine { reasons.append(code { try end.readSome() }) }.start() }
      try end.close()
      try Coroutine.sleep()
      #expect(reasons == [.closed, .closed, .closed])
      #expect(backend.cancelled == Array(repeating: end.number, count: 3))
    }
  }

  @Test func `close waits until the kernel has let go of every buffer`() throws {
    try withScript { backend in
      backend.cancelDelay = .seconds(5)
      let end = scripted()
      for _ in 0..<2 { Coroutine { _ = code { try end.readSome() } }.start() }
      var inFlightAtClose: Int?
      backend.answer = { [unowned backend] kind in
        guard case .close = kind else { return nil }
        inFlightAtClose = backend.inFlight.count
        return 0
      }
      try end.close()
      #expect(backend.elapsed == .seconds(5))
      #expect(inFlightAtClose == 0)
    }
  }

  @Test func `an operation that wins the race against close succeeds`() throws {
    try withScript { backend in
      backend.cancelDelay = nil
      let end = scripted()
      var count: Int?
      Coroutine { count = try end.readSome() }.start()
      backend.finish(end.number, after: .seconds(1), 9)
      try end.close()
      try Coroutine.sleep()
      #expect(count == 9)
    }
  }

  @Test func `an operation that finished before close keeps its result`() throws {
    try withScript { backend in
      let end = scripted()
      var count: Int?
      Coroutine { count = try end.readSome() }.start()
      backend.finish(end.number, 9)
      // Wakes in the same wait, behind the reader's report and before the reader runs again.
      try Coroutine.sleep(until: .now + .nanoseconds(1))
      try end.close()
      #expect(count == 9)
      #expect(backend.cancelled.isEmpty)
    }
  }

  @Test func `closing again does nothing`() throws {
    try withScript { backend in
      let end = scripted()
      try end.close()
      try end.close()
      #expect(backend.started.count == 1)
      #expect(end.isClosed)
    }
  }

  @Test func `a closed descriptor is not given to the kernel again`() throws {
    try withScript { backend in
      let end = scripted()
      try end.close()
      expectError(.closed) { try end.readSome() }
      expectError(.closed) { try end.readSome(timeout: .zero) }
      #expect(backend.started.count == 1)
    }
  }

  @Test func `close reports the kernel's error, and the descriptor is closed all the same`() throws
  {
    try withScript { backend in
      backend.answer = { _ in -Int(EIO) }
      let end = scripted()
      let error = #expect(throws: CoroutineError.self) { try end.close() }
      #expect(error?.errno == .ioError)
      #expect(end.isClosed)
      backend.answer = { _ in 0 }
    }
  }

  @Test func `a close that takes its time is never cancelled`() throws {
    try withScript { backend in
      backend.answer = { _ in nil }
      let end = scripted()
      var isOver = false
      let closer = Coroutine {
        defer { isOver = true }
        try end.close()
      }
      closer.start()
      closer.cancel()
      #expect(!isOver && backend.cancelled.isEmpty)
      backend.finish(end.number, after: .seconds(1), 0)
      try closer.join()
      #expect(isOver && backend.cancelled.isEmpty && backend.elapsed == .seconds(1))
    }
  }

  @Test func `a cancelled coroutine can close`() throws {
    let end = scripted()
    try withScript { backend in
      Coroutine(daemon: true) {
        defer { _ = code { try end.close() } }
        try Coroutine.sleep(.infinity)
      }.start()
    }
    #expect(end.isClosed)
  }

  @Test func `detach makes the backend forget, and leaves the descriptor open`() throws {
    try withScript { backend in
      let end = scripted()
      var kinds: [String] = []
      backend.answer = {
        if case .forget = $0 { kinds.append("forget") } else { kinds.append("other") }
        return 0
      }
      let result = try end.detach().rawValue
      #expect(result == end.number)
      #expect(kinds == ["forget"])
      expectError(.closed) { _ = try end.detach() }
    }
  }

  // MARK: Without waiting

  @Test func `the last reference closes without suspending`() throws {
    try withScript { backend in
      let other = scripted(2)
      backend.answer = { if case .close = $0 { 0 } else { 1 } }
      do {
        let end = scripted()
        try end.readSome()
      }
      #expect(backend.started.count == 2)
      try other.close()
      #expect(core.operationsInFlight == 0)
    }
  }

  @Test func `a descriptor that nobody ever waited on is closed by the backend too`() throws {
    try withScript { backend in
      var closed: [CInt] = []
      backend.answer = { kind in
        closed.append(kind.descriptor)
        return 0
      }
      var end: PipeEnd? = scripted()
      let number = try #require(end).number
      end = nil
      #expect(closed == [number])
    }
  }

  @Test func `a close that nobody waits for is freed when the backend reports it`() throws {
    try withScript { backend in
      let end = leaveUnclosed(backend)
      #expect(backend.inFlight.count == 1)
      #expect(core.operationsInFlight == 1)
      backend.finish(end, after: .seconds(1), 0)
      try Coroutine.sleep(2)
      #expect(core.operationsInFlight == 0)
    }
  }

  @Test func `the end of the loop waits for a close that nobody waits for`() throws {
    try withScript { backend in
      let end = leaveUnclosed(backend)
      backend.finish(end, after: .seconds(1), 0)
    }
  }

  /// Drops an open descriptor whose close the backend does not finish at once.
  private func leaveUnclosed(_ backend: ScriptedBackend) -> CInt {
    let end = scripted()
    backend.answer = { if case .close = $0 { nil } else { 1 } }
    _ = try? end.readSome()
    return end.number
  }
}
