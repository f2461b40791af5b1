/// Timers in the order in which they were set, none of which expires before the one ahead of it: a
/// ring in one block of memory.
///
/// One that is taken out in the middle leaves a hole, of which there are never many more than
/// timers: they are closed before the ring grows.
struct TimerLane {
  private struct Slot {
    var deadline: Instant
    var sequence: UInt64
    /// nil: a hole.
    var record: CoroutineRecord.Reference?
  }

  private var slots: UnsafeMutablePointer<Slot>?
  /// A power of two, or zero.
  private var capacity = 0
  /// The first timer, which is no hole, and the place behind the last one, which is none either;
  /// both count on and on.
  private var head = 0
  private var tail = 0
  /// Holes are not counted.
  private(set) var count = 0
  /// The last deadline; of an empty lane one that any other is not before.
  private(set) var last = Instant(nanoseconds: .min)

  var first: TimerQueue.Entry? {
    guard count > 0, let slots else { return nil }
    return entry(slots[head & (capacity - 1)])
  }

  private func entry(_ slot: Slot) -> TimerQueue.Entry? {
    slot.record.map {
      TimerQueue.Entry(deadline: slot.deadline, sequence: slot.sequence, record: $0)
    }
  }

  func deadline(at slot: Int) -> Instant? {
    slots.map { $0[slot].deadline }
  }

  /// Adds a timer that is not before the last one.
  ///
  /// - Parameter number: The lane's, for the places of its timers.
  mutating func append(_ entry: TimerQueue.Entry, number: Int32) {
    if tail - head == capacity { makeRoom(number) }
    guard let slots else { return }
    let index = tail & (capacity - 1)
    (slots + index).initialize(
      to: Slot(deadline: entry.deadline, sequence: entry.sequence, record: entry.record))
    entry.record.timerPlace = number | Int32(truncatingIfNeeded: index)
    tail += 1
    count += 1
    last = entry.deadline
  }

  /// Takes out the timer in this slot of the block.
  mutating func remove(at index: Int) {
    guard let slots else { return }
    slots[index].record = nil
    count -= 1
    if count == 0 {
      head = tail
      last = Instant(nanoseconds: .min)
      return
    }
    while slots[head & (capacity - 1)].record == nil { head += 1 }
    guard index == (tail - 1) & (capacity - 1) else { return }
    repeat { tail -= 1 } while slots[(tail - 1) & (capacity - 1)].record == nil
    last = slots[(tail - 1) & (capacity - 1)].deadline
  }

  /// Closes the holes, or takes a larger block if there are few.
  @inline(never)
  private mutating func makeRoom(_ number: Int32) {
    let size = count >= capacity / 2 ? max(64, capacity * 2) : capacity
    let new = UnsafeMutablePointer<Slot>.allocate(capacity: size)
    var used = 0
    if let slots {
      for position in head..<tail {
        let slot = slots[position & (capacity - 1)]
        guard let record = slot.record else { continue }
        (new + used).initialize(to: slot)
        record.timerPlace = number | Int32(truncatingIfNeeded: used)
        used += 1
      }
      slots.deallocate()
    }
    (slots, capacity, head, tail) = (new, size, 0, used)
  }

  func deallocate() {
    slots?.deallocate()
  }

  /// Traps unless the timers are in order and every record knows its place.
  func checkInvariants(number: Int32) {
    guard count > 0, let slots else { return precondition(head == tail && count == 0) }
    precondition(slots[head & (capacity - 1)].record != nil)
    precondition(slots[(tail - 1) & (capacity - 1)].deadline == last)
    var previous: TimerQueue.Entry?
    var found = 0
    for position in head..<tail {
      let index = position & (capacity - 1)
      guard let entry = entry(slots[index]) else { continue }
      if let previous { precondition(previous < entry) }
      precondition(entry.record.timerPlace == number | Int32(index))
      previous = entry
      found += 1
    }
    precondition(found == count)
  }
}
