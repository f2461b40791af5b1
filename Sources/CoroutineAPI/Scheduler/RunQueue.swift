/// The coroutines that can run, first in, first out, linked through their records.
struct RunQueue {
  private var first: CoroutineRecord.Reference?
  private var last: CoroutineRecord.Reference?

  var isEmpty: Bool { first == nil }

  /// Adds a coroutine, which is in no list, at the end.
  mutating func append(_ record: CoroutineRecord.Reference) {
    record.pointee.next = nil
    if let last {
      last.pointee.next = record
    } else {
      first = record
    }
    last = record
  }

  /// Adds a coroutine, which is in no list, ahead of all others.
  mutating func prepend(_ record: CoroutineRecord.Reference) {
    record.pointee.next = first
    if first == nil { last = record }
    first = record
  }

  mutating func popFirst() -> CoroutineRecord.Reference? {
    guard let record = first else { return nil }
    first = record.pointee.next
    if first == nil { last = nil }
    return record
  }
}

/// Coroutines that wait for the same thing, in order of arrival.
///
/// Any of them can leave.
struct WaitList {
  private(set) var first: CoroutineRecord.Reference?
  private var last: CoroutineRecord.Reference?

  var isEmpty: Bool { first == nil }

  mutating func append(_ record: CoroutineRecord.Reference) {
    record.pointee.next = nil
    record.pointee.previous = last
    if let last {
      last.pointee.next = record
    } else {
      first = record
    }
    last = record
  }

  mutating func remove(_ record: CoroutineRecord.Reference) {
    let next = record.pointee.next
    let previous = record.pointee.previous
    if let previous { previous.pointee.next = next } else { first = next }
    if let next { next.pointee.previous = previous } else { last = previous }
    record.pointee.next = nil
    record.pointee.previous = nil
  }
}
