import CContext

/// Timers in the order in which they were set, none of which expires before the one ahead of it: a
/// ring in one block of memory.
///
/// One that is taken out in the middle leaves a hole. When the block is full the holes are closed,
/// and the block is made as large as the timers need: so it shrinks too.
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

  var isEmpty: Bool { count == 0 }

  /// The one that expires first, if there is one.
  var first: TimerQueue.Entry { entry(slot(head)) }

  /// There are slots if there is a timer.
  private func slot(_ position: Int) -> UnsafeMutablePointer<Slot> {
    slots.unsafelyUnwrapped + (position & (capacity &- 1))
  }

  /// What is in a slot that is no hole.
  private func entry(_ slot: UnsafeMutablePointer<Slot>) -> TimerQueue.Entry {
    TimerQueue.Entry(
      deadline: slot.pointee.deadline, sequence: slot.pointee.sequence,
      record: slot.pointee.record.unsafelyUnwrapped)
  }

  /// Asks for the memory of those who expire a little later: when a whole row of timers expires,
  /// none of their coroutines' records is in the caches.
  @inline(__always)
  func prefetch() {
    let distance = 6
    if count > distance { coro_prefetch(slot(head &+ distance).pointee.record) }
  }

  func deadline(at slot: Int) -> Instant? {
    slots.map { $0[slot].deadline }
  }

  /// Adds a timer that is not before the last one.
  ///
  /// - Parameter number: The lane's, for the places of its timers.
  mutating func append(_ entry: TimerQueue.Entry, number: Int32) {
    if tail &- head == capacity { makeRoom(number) }
    slot(tail).initialize(
      to: Slot(deadline: entry.deadline, sequence: entry.sequence, record: entry.record))
    entry.record.timerPlace = number | Int32(truncatingIfNeeded: tail & (capacity &- 1))
    tail &+= 1
    count &+= 1
    last = entry.deadline
  }

  /// Takes out the timer in this slot of the block.
  mutating func remove(at index: Int) {
    slot(index).pointee.record = nil
    count &-= 1
    if count == 0 {
      // From the beginning of the block, which is in the caches.
      (head, tail) = (0, 0)
      last = Instant(nanoseconds: .min)
      return
    }
    while slot(head).pointee.record == nil { head &+= 1 }
    guard index == (tail &- 1) & (capacity &- 1) else { return }
    repeat { tail &-= 1 } while slot(tail &- 1).pointee.record == nil
    last = slot(tail &- 1).pointee.deadline
  }

  /// Takes a block with room for twice as many timers as there are, without holes.
  @inline(never)
  private mutating func makeRoom(_ number: Int32) {
    var size = 64
    while size < 2 * count { size *= 2 }
    let new = UnsafeMutablePointer<Slot>.allocate(capacity: size)
    var used = 0
    for position in head..<tail {
      let old = slot(position).pointee
      guard let record = old.record else { continue }
      (new + used).initialize(to: old)
      record.timerPlace = number | Int32(truncatingIfNeeded: used)
      used += 1
    }
    slots?.deallocate()
    (slots, capacity, head, tail) = (new, size, 0, used)
  }

  func deallocate() {
    slots?.deallocate()
  }

  /// Traps unless the timers are in order and every record knows its place.
  func checkInvariants(number: Int32) {
    if isEmpty { return precondition(head == tail) }
    precondition(slot(head).pointee.record != nil)
    precondition(slot(tail - 1).pointee.deadline == last)
    var previous: TimerQueue.Entry?
    var found = 0
    for position in head..<tail where slot(position).pointee.record != nil {
      let entry = entry(slot(position))
      if let previous { precondition(previous < entry) }
      precondition(entry.record.timerPlace == number | Int32(position & (capacity - 1)))
      previous = entry
      found += 1
    }
    precondition(found == count)
  }
}
