/// Repeats `move` until `count` bytes are moved, within one `timeout` for the whole.
///
/// `move` is given how many bytes were moved so far, and the time that is left. It is called once
/// also for no bytes, so that an empty datagram is sent and a closed descriptor told.
@inline(__always)
func movingAll(
  _ call: StaticString, _ participle: StaticString, _ operands: @autoclosure () -> String,
  _ count: Int, _ timeout: Duration?,
  _ move: (Int, Duration?) throws(CoroutineError) -> Outcome
) throws(CoroutineError) {
  let deadline = timeout.map { Instant.now + $0 }
  let first = try move(0, timeout)
  if first.rawValue == count { return }
  if first.rawValue < 0 { throw CoroutineError(first, call: call, operands: operands()) }
  var moved = first.rawValue
  while moved < count {
    let outcome = try move(moved, deadline.map { max(.zero, $0 - .now) })
    if outcome.rawValue < 0 {
      throw CoroutineError(
        outcome, call: call, operands: operands(), moved: moved, of: count, participle)
    }
    moved += outcome.rawValue
  }
}

extension UnsafeRawBufferPointer {
  /// What is left after the first `count` bytes.
  func rest(from count: Int) -> UnsafeRawBufferPointer {
    count == 0 ? self : UnsafeRawBufferPointer(rebasing: self[count...])
  }
}
