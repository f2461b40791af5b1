/// Deadlines of waiting coroutines: a 4-ary heap in one block of memory.
///
/// Equal deadlines come out in the order in which they were set. A coroutine has at most one timer,
/// and its record knows the timer's place, so a timer is removed in O(log n).
struct TimerHeap {
  struct Entry {
    let deadline: Instant
    /// Breaks ties: the order of insertion.
    let sequence: UInt64
    let record: CoroutineRecord.Reference

    static func < (left: Entry, right: Entry) -> Bool {
      if left.deadline != right.deadline { return left.deadline < right.deadline }
      return left.sequence < right.sequence
    }
  }

  private var entries = UnsafeMutableBufferPointer<Entry>(start: nil, count: 0)
  private(set) var count = 0
  private var nextSequence: UInt64 = 0

  var isEmpty: Bool { count == 0 }

  /// The earliest deadline, or nil.
  var earliest: Instant? { count == 0 ? nil : entries[0].deadline }

  /// When the timer of `record` expires; nil if it has none.
  func deadline(of record: CoroutineRecord.Reference) -> Instant? {
    let index = Int(record.pointee.timerIndex)
    return index < 0 ? nil : entries[index].deadline
  }

  /// Sets a timer for `record`, which has none.
  mutating func insert(_ record: CoroutineRecord.Reference, at deadline: Instant) {
    if count == entries.count { grow() }
    let entry = Entry(deadline: deadline, sequence: nextSequence, record: record)
    nextSequence += 1
    count += 1
    siftUp(entry, from: count - 1)
  }

  /// Takes the timer of `record` out, if it has one.
  mutating func remove(_ record: CoroutineRecord.Reference) {
    let index = Int(record.pointee.timerIndex)
    guard index >= 0 else { return }
    record.pointee.timerIndex = -1
    count -= 1
    guard index < count else { return }
    let moved = entries[count]
    if index > 0, moved < entries[(index - 1) / 4] {
      siftUp(moved, from: index)
    } else {
      siftDown(moved, from: index)
    }
  }

  /// Takes the earliest timer out if its deadline is not after `now`.
  mutating func popExpired(at now: Instant) -> CoroutineRecord.Reference? {
    guard count > 0, entries[0].deadline <= now else { return nil }
    let record = entries[0].record
    remove(record)
    return record
  }

  func deallocate() {
    entries.deallocate()
  }

  /// Traps unless every parent comes before its children and every record knows its place.
  func checkInvariants() {
    for index in 0..<count {
      precondition(entries[index].record.pointee.timerIndex == Int32(index))
      if index > 0 { precondition(!(entries[index] < entries[(index - 1) / 4])) }
    }
  }

  private mutating func grow() {
    let larger = UnsafeMutableBufferPointer<Entry>.allocate(capacity: max(64, entries.count * 2))
    _ = larger.moveInitialize(
      fromContentsOf: UnsafeMutableBufferPointer(rebasing: entries[..<count]))
    entries.deallocate()
    entries = larger
  }

  private func place(_ entry: Entry, at index: Int) {
    entries.initializeElement(at: index, to: entry)
    entry.record.pointee.timerIndex = Int32(truncatingIfNeeded: index)
  }

  private func siftUp(_ entry: Entry, from start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) / 4
      guard entry < entries[parent] else { break }
      place(entries[parent], at: index)
      index = parent
    }
    place(entry, at: index)
  }

  private func siftDown(_ entry: Entry, from start: Int) {
    var index = start
    while true {
      let firstChild = index * 4 + 1
      guard firstChild < count else { break }
      var smallest = firstChild
      for child in firstChild + 1..<max(firstChild + 1, min(firstChild + 4, count))
      where entries[child] < entries[smallest] {
        smallest = child
      }
      guard entries[smallest] < entry else { break }
      place(entries[smallest], at: index)
      index = smallest
    }
    place(entry, at: index)
  }
}
