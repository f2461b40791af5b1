/// Timers of any order: a 4-ary heap in one block of memory.
///
/// A timer is removed in O(log n), because its record knows its place.
struct TimerHeap {
  typealias Entry = TimerQueue.Entry

  private var entries = UnsafeMutableBufferPointer<Entry>(start: nil, count: 0)
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// The one that expires first, if there is one.
  var first: Entry { entries[0] }

  subscript(index: Int) -> Entry { entries[index] }

  mutating func insert(_ entry: Entry) {
    if count == entries.count { grow() }
    count += 1
    siftUp(entry, from: count - 1)
  }

  /// Takes out the timer at this place.
  mutating func remove(at index: Int) {
    count -= 1
    guard index < count else { return }
    let moved = entries[count]
    if index > 0, moved < entries[(index - 1) / 4] {
      siftUp(moved, from: index)
    } else {
      siftDown(moved, from: index)
    }
  }

  func deallocate() {
    entries.deallocate()
  }

  /// Traps unless every parent comes before its children and every record knows its place.
  func checkInvariants() {
    for index in 0..<count {
      precondition(entries[index].record.timerPlace == Int32(index))
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
    entry.record.timerPlace = Int32(truncatingIfNeeded: index)
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
