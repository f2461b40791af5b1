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

  /// A place in a lane is the lane's number, from 1, above so many bits; one in the heap is below.
  private static let laneShift: Int32 = 28

  /// As many durations as are in use at once: timeouts of connections and of requests, a pause.
  ///
  /// In memory of their own, because a look into an `InlineArray` copies it.
  private let lanes = UnsafeMutablePointer<TimerLane>.allocate(capacity: laneCount)
  private var heap = TimerHeap()
  private(set) var count = 0
  private var nextSequence: UInt64 = 0
  /// Where the earliest timer is: a lane's index, or one behind them for the heap.
  ///
  /// Of no meaning while there is none.
  private var source = 0

  private static let laneCount = 4

  init() {
    lanes.initialize(repeating: TimerLane(), count: Self.laneCount)
  }

  var isEmpty: Bool { count == 0 }

  /// The earliest deadline, or nil.
  var earliest: Instant? { count == 0 ? nil : first.deadline }

  /// The earliest of one or more timers.
  private var first: Entry {
    source == Self.laneCount ? heap.first : lanes[source].first
  }

  /// Looks for the earliest timer, of which there is one.
  private mutating func findFirst() {
    source = Self.laneCount
    var best = heap.isEmpty ? nil : heap.first
    for lane in 0..<Self.laneCount where !lanes[lane].isEmpty {
      let front = lanes[lane].first
      if let best, !(front < best) { continue }
      best = front
      source = lane
    }
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
    let isFirst = count == 0 || deadline < first.deadline
    nextSequence &+= 1
    count &+= 1
    var lane = lane(for: deadline)
    if lane == Self.laneCount, let taken = takeLaneOfOne() { lane = taken }
    if isFirst { source = lane }
    if lane == Self.laneCount {
      heap.insert(entry)
    } else {
      lanes[lane].append(entry, number: Int32(truncatingIfNeeded: lane + 1) << Self.laneShift)
    }
  }

  /// The lane whose last deadline is the latest that is not after this one; else an empty one; else
  /// the heap's number.
  private func lane(for deadline: Instant) -> Int {
    var best = Self.laneCount
    var latest = Instant(nanoseconds: .min)
    for lane in 0..<Self.laneCount {
      let last = lanes[lane].last
      if last <= deadline, best == Self.laneCount || last > latest {
        best = lane
        latest = last
      }
    }
    return best
  }

  /// Moves a timer that has a lane to itself to the heap.
  ///
  /// Else a few long timers, each alone, would keep the durations out that are set again and again.
  private mutating func takeLaneOfOne() -> Int? {
    for lane in 0..<Self.laneCount where lanes[lane].count == 1 {
      let entry = lanes[lane].first
      lanes[lane].remove(at: slot(entry.record.timerPlace))
      // It is not the earliest any more, if it was: what fits no lane comes before all of them.
      heap.insert(entry)
      return lane
    }
    return nil
  }

  /// Takes the timer of `record` out, if it has one.
  @inline(__always)
  mutating func remove(_ record: CoroutineRecord.Reference) {
    if record.timerPlace >= 0 { takeOut(record) }
  }

  private mutating func takeOut(_ record: CoroutineRecord.Reference) {
    let place = record.timerPlace
    let isFirst = record == first.record
    record.timerPlace = -1
    count &-= 1
    let lane = Int(place >> Self.laneShift)
    if lane == 0 {
      heap.remove(at: Int(place))
    } else {
      lanes[lane - 1].remove(at: slot(place))
    }
    if isFirst, count > 0 { findFirst() }
  }

  private func slot(_ place: Int32) -> Int { Int(place & (1 << Self.laneShift - 1)) }

  /// Takes the earliest timer out if its deadline is not after `now`.
  mutating func popExpired(at now: Instant) -> CoroutineRecord.Reference? {
    if count == 0 { return nil }
    let first = first
    if first.deadline > now { return nil }
    if source < Self.laneCount { lanes[source].prefetch() }
    takeOut(first.record)
    return first.record
  }

  func deallocate() {
    for lane in 0..<Self.laneCount { lanes[lane].deallocate() }
    lanes.deallocate()
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
    var other = self
    other.findFirst()
    precondition(count == 0 || other.first.record == first.record)
  }
}
