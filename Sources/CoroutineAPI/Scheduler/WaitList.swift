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
