@testable import CoroutineAPI
import Testing

/// The queue of deadlines, against a sorted array.
@Suite struct Timers {
  /// What the queue should hold, in the order in which it should come out.
  private struct Reference {
    var entries: [(deadline: Int64, sequence: Int, index: Int)] = []
    var sequence = 0

    mutating func insert(_ index: Int, at deadline: Int64) {
      let place = entries.firstIndex { deadline < $0.deadline } ?? entries.endIndex
      entries.insert((deadline, sequence, index), at: place)
      sequence += 1
    }

    mutating func remove(_ index: Int) {
      entries.removeAll { $0.index == index }
    }
  }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func `agrees with a sorted array through thousands of operations`(seed: UInt64) {
    var random = SplitMix64(state: seed)
    let records = Records(count: 300)
    defer { records.deallocate() }
    var queue = TimerQueue()
    defer { queue.deallocate() }
    var reference = Reference()
    // Few different deadlines, so that many are equal; or many.
    let range: ClosedRange<Int64> = seed.isMultiple(of: 2) ? 0...5 : 0...1_000_000
    for _ in 0..<4_000 {
      let index = Int.random(in: 0..<300, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<6 where records[index].timerPlace < 0:
        let deadline = Int64.random(in: range, using: &random)
        queue.insert(records[index], at: Instant(nanoseconds: deadline))
        reference.insert(index, at: deadline)
      case 0..<8:
        queue.remove(records[index])
        reference.remove(index)
      default:
        let now = Int64.random(in: range, using: &random) / 2
        let expected = reference.entries.first.flatMap { $0.deadline <= now ? $0.index : nil }
        let popped = queue.popExpired(at: Instant(nanoseconds: now))
        #expect(popped == expected.map { records[$0] })
        if expected != nil { reference.entries.removeFirst() }
      }
      queue.checkInvariants()
      #expect(queue.count == reference.entries.count)
      #expect(queue.earliest?.nanoseconds == reference.entries.first?.deadline)
    }
    let rest = Array(sequence(state: ()) { _ in queue.popExpired(at: .distantFuture) })
    #expect(rest == reference.entries.map { records[$0.index] })
    #expect(queue.isEmpty)
  }

  /// The lanes, with holes in them, and more durations than lanes.
  @Test(arguments: [1, 3, 8])
  func `durations that are set again and again come out in order`(durations: Int) {
    var random = SplitMix64(state: UInt64(durations))
    let records = Records(count: 500)
    defer { records.deallocate() }
    var queue = TimerQueue()
    defer { queue.deallocate() }
    var reference = Reference()
    var now: Int64 = 0
    for _ in 0..<20_000 {
      let index = Int.random(in: 0..<500, using: &random)
      if records[index].timerPlace >= 0 {
        queue.remove(records[index])
        reference.remove(index)
      } else {
        let duration: Int64 = 1 << (2 * Int64.random(in: 0..<Int64(durations), using: &random))
        queue.insert(records[index], at: Instant(nanoseconds: now + duration))
        #expect(queue.deadline(of: records[index])?.nanoseconds == now + duration)
        reference.insert(index, at: now + duration)
      }
      if Int.random(in: 0..<4, using: &random) == 0 { now += 1 }
      while let record = queue.popExpired(at: Instant(nanoseconds: now)) {
        let expected = reference.entries.removeFirst()
        #expect(record == records[expected.index] && expected.deadline <= now)
      }
      queue.checkInvariants()
      #expect(queue.earliest?.nanoseconds == reference.entries.first?.deadline)
      #expect(reference.entries.first.map { $0.deadline > now } ?? true)
    }
  }

  /// Long ones, each alone in a lane, make way.
  @Test func `a few long timers take no lane from short ones for good`() {
    let records = Records(count: 20)
    defer { records.deallocate() }
    var queue = TimerQueue()
    defer { queue.deallocate() }
    for (index, deadline) in [400, 300, 200, 100].enumerated() {
      queue.insert(records[index], at: Instant(nanoseconds: Int64(deadline)))
      queue.checkInvariants()
    }
    for index in 4..<20 {
      queue.insert(records[index], at: Instant(nanoseconds: 50 + Int64(index)))
      queue.checkInvariants()
    }
    // In a lane, whose number stands above its place in it.
    #expect((4..<20).allSatisfy { records[$0].timerPlace >= 1 << 28 })
    let order = Array(sequence(state: ()) { _ in queue.popExpired(at: .distantFuture) })
    #expect(order == (Array(4..<20) + [3, 2, 1, 0]).map { records[$0] })
  }

  @Test func `what is not there can be removed`() {
    let records = Records(count: 2)
    defer { records.deallocate() }
    var queue = TimerQueue()
    defer { queue.deallocate() }
    queue.remove(records[0])
    queue.insert(records[0], at: .zero)
    queue.remove(records[1])
    queue.remove(records[0])
    queue.remove(records[0])
    #expect(queue.isEmpty && queue.earliest == nil)
    #expect(records[0].timerPlace == -1)
  }

  @Test func `nothing expires before its deadline`() {
    let records = Records(count: 1)
    defer { records.deallocate() }
    var queue = TimerQueue()
    defer { queue.deallocate() }
    queue.insert(records[0], at: Instant(nanoseconds: 10))
    #expect(queue.popExpired(at: Instant(nanoseconds: 9)) == nil)
    #expect(queue.popExpired(at: Instant(nanoseconds: 10)) == records[0])
  }

  @Test func `equal deadlines come out in the order of their setting, for any number of them`() {
    let records = Records(count: 1_000)
    defer { records.deallocate() }
    var queue = TimerQueue()
    defer { queue.deallocate() }
    for index in 0..<1_000 { queue.insert(records[index], at: .zero) }
    queue.checkInvariants()
    let order = Array(sequence(state: ()) { _ in queue.popExpired(at: .zero) })
    #expect(order == (0..<1_000).map { records[$0] })
  }
}

/// Records without coroutines, for what only links them.
struct Records {
  private let memory: UnsafeMutablePointer<CoroutineRecord>
  private let core: UnsafeMutablePointer<SchedulerCore>
  private let object = Coroutine()

  init(count: Int) {
    memory = .allocate(capacity: count)
    core = .allocate(capacity: 1)
    let record = Self.record(core, object, .thread)
    memory.initialize(repeating: record, count: count)
  }

  subscript(index: Int) -> CoroutineRecord.Reference { memory + index }

  func deallocate() {
    memory.deallocate()
    core.deallocate()
  }

  static func record(
    _ core: UnsafeMutablePointer<SchedulerCore>, _ object: Coroutine, _ stack: Stack
  ) -> CoroutineRecord {
    CoroutineRecord(core: core, object: .passUnretained(object), stack: stack)
  }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
