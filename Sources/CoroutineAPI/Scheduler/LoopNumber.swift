import Synchronization

/// Tells loops apart, also those that are gone.
struct LoopNumber: Equatable {
  private let rawValue: UInt64

  /// No loop's.
  static let none = LoopNumber(rawValue: 0)

  private struct Register {
    var last: UInt64 = 0
    var living: Set<UInt64> = []
  }

  // Loops begin and end on any thread.
  private static let register = Mutex(Register())

  /// A number that no loop has had.
  static func next() -> LoopNumber {
    register.withLock { register in
      register.last += 1
      register.living.insert(register.last)
      return LoopNumber(rawValue: register.last)
    }
  }

  /// Whether the loop has not ended yet.
  var isAlive: Bool { Self.register.withLock { $0.living.contains(rawValue) } }

  func hasEnded() {
    Self.register.withLock { _ = $0.living.remove(rawValue) }
  }
}
