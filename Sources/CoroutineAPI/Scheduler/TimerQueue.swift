/// Deadlines of waiting coroutines.
///
/// Equal deadlines come out in the order in which they were set. A coroutine has at most one timer,
/// and its record knows the timer's place.
///
/// Programs set few different durations, and again and again: then deadlines come in the order in
/// which they are set. So a deadline is put behind the last one of a lane if it is not before it,
/// in O(1) and without a look at any other coroutine; what fits no lane goes to a heap. The lane
/// with the latest last deadline is taken, which leaves the others to shorter durations.
struct TimerQueue {
  /// One timer.
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

  /// As many durations as are in use at once: timeouts of connections and of requests, a pause.
  private static let laneCount = 4
  /// A place in a lane is the lane's number, from 1, above so many bits; one in the heap is below.
  private static let laneShift: Int32 = 28

  private var lanes = InlineArray<4, TimerLane>(repeating: TimerLane())
  private var heap = TimerHeap()
  private(set) var count = 0
  private var nextSequence: UInt64 = 0

  var isEmpty: Bool { count == 0 }

  /// The earliest deadline, or nil.
  var earliest: Instant? { first?.deadline }

  private var first: Entry? {
    if count == 0 { return nil }
    var first = heap.first
    for lane in 0..<Self.laneCount {
      guard let front = lanes[lane].first else { continue }
      if let least = first, !(front < least) { continue }
      first = front
    }
    return first
  }

  /// When the timer of `record` expires; nil if it has none.
  func deadline(of record: CoroutineRecord.Reference) -> Instant? {
    let place = record.timerPlace
    if place < 0 { return nil }
    let lane = Int(place >> Self.laneShift)
    if lane == 0 { return heap[Int(place)].deadline }
    return lanes[lane - 1].deadline(at: slot(place))
  }

  /// Sets a timer for `record`, which has none.
  mutating func insert(_ record: CoroutineRecord.Reference, at deadline: Instant) {
    let entry = Entry(deadline: deadline, sequence: nextSequence, record: record)
    nextSequence += 1
    count += 1
    guard let lane = lane(for: deadline) else { return heap.insert(entry) }
    lanes[lane].append(entry, number: Int32(lane + 1) << Self.laneShift)
  }

  private func lane(for deadline: Instant) -> Int? {
    var best: Int?
    var latest = Instant(nanoseconds: .min)
    for lane in 0..<Self.laneCount where lanes[lane].last <= deadline {
      if best == nil || lanes[lane].last > latest {
        best = lane
        latest = lanes[lane].last
      }
    }
    return best
  }

  /// Takes the timer of `record` out, if it has one.
  @inline(__always)
  mutating func remove(_ record: CoroutineRecord.Reference) {
    if record.timerPlace >= 0 { takeOut(record) }
  }

  private mutating func takeOut(_ record: CoroutineRecord.Reference) {
    let place = record.timerPlace
    record.timerPlace = -1
    count -= 1
    let lane = Int(place >> Self.laneShift)
    if lane == 0 {
      heap.remove(at: Int(place))
    } else {
      lanes[lane - 1].remove(at: slot(place))
    }
  }

  private func slot(_ place: Int32) -> Int { Int(place & (1 << Self.laneShift - 1)) }

  /// Takes the earliest timer out if its deadline is not after `now`.
  mutating func popExpired(at now: Instant) -> CoroutineRecord.Reference? {
    guard let first, first.deadline <= now else { return nil }
    takeOut(first.record)
    return first.record
  }

  func deallocate() {
    for lane in 0..<Self.laneCount { lanes[lane].deallocate() }
    heap.deallocate()
  }

  /// Traps unless everything is in order, and every record knows its place.
  func checkInvariants() {
    heap.checkInvariants()
    var sum = heap.count
    for lane in 0..<Self.laneCount {
      lanes[lane].checkInvariants(number: Int32(lane + 1) << Self.laneShift)
      sum += lanes[lane].count
    }
    precondition(sum == count)
  }
}
