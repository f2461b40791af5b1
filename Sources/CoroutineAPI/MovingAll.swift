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
  var limit = TimeLimit(timeout)
  let first = try move(0, limit.next().timeout)
  if first.rawValue == count { return }
  // All at once is the rule; what follows is no part of the caller.
  if first.rawValue < 0 { throw CoroutineError(first, call: call, operands: operands()) }
  try movingRest(call, participle, operands, first.rawValue, count, &limit, move)
}

@inline(never)
private func movingRest(
  _ call: StaticString, _ participle: StaticString, _ operands: () -> String,
  _ begun: Int, _ count: Int, _ limit: inout TimeLimit,
  _ move: (Int, Duration?) throws(CoroutineError) -> Outcome
) throws(CoroutineError) {
  var moved = begun
  while moved < count {
    let (rest, isOver) = limit.next()
    let outcome = isOver ? .timeout : try move(moved, rest)
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
