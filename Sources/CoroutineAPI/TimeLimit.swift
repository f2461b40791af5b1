/// The time that a call has which takes several steps.
///
/// A step that finds bytes needs no time, so that a peer who is fast enough would keep the call
/// going for ever: when the time is up, no further step begins. A timeout of zero is not a time but
/// says that nothing is waited for, however many steps that takes.
struct TimeLimit {
  private let timeout: Duration?
  private let deadline: Instant?
  private var hasBegun = false

  @inline(__always)
  init(_ timeout: Duration?) {
    self.timeout = timeout
    deadline = if let timeout { Self.deadline(after: timeout) } else { nil }
  }

  @inline(never)
  private static func deadline(after timeout: Duration) -> Instant {
    .now + timeout
  }

  /// The next step's timeout, and whether it is too late for that step; never for the first.
  @inline(__always)
  mutating func next() -> (timeout: Duration?, isOver: Bool) {
    guard hasBegun, let timeout, let deadline else {
      hasBegun = true
      return (timeout, false)
    }
    let rest = max(.zero, deadline - .now)
    return (rest, rest == .zero && timeout.isPositive)
  }

  /// As `next()`, where being too late is an error.
  mutating func next(_ call: StaticString) throws(CoroutineError) -> Duration? {
    let (rest, isOver) = next()
    if isOver { throw CoroutineError(.timeout, call: call) }
    return rest
  }
}
