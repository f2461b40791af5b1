import Synchronization

/// Something that many tasks wait for.
final class Event: Sendable {
  private struct State {
    var isSet = false
    var waiters: [UnsafeContinuation<Void, Never>] = []
    /// Who is to be resumed when there are so many waiters.
    var watcher: (count: Int, continuation: UnsafeContinuation<Void, Never>)?

    mutating func takeContentWatcher() -> UnsafeContinuation<Void, Never>? {
      guard let watcher, waiters.count >= watcher.count else { return nil }
      self.watcher = nil
      return watcher.continuation
    }
  }

  private let state = Mutex(State())

  /// Returns when the event is set.
  func wait() async {
    // A checked continuation would have its checks measured.
    await withUnsafeContinuation { continuation in
      let next: UnsafeContinuation<Void, Never>? = state.withLock { state in
        if state.isSet { return continuation }
        state.waiters.append(continuation)
        return state.takeContentWatcher()
      }
      next?.resume()
    }
  }

  /// Returns when so many wait; one task at a time may ask for that.
  func isAwaited(by count: Int) async {
    await withUnsafeContinuation { continuation in
      let next = state.withLock { state in
        state.watcher = (count, continuation)
        return state.takeContentWatcher()
      }
      next?.resume()
    }
  }

  func set() {
    let waiters = state.withLock { state in
      state.isSet = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }
}
