import CContext
import Glibc

/// The coroutines that can run, first in, first out: a ring of references in one block of memory.
///
/// They are not linked through their records, because the memory of a coroutine that has not run
/// for some time has left the processor's caches, and the links would have to be waited for, one
/// after the other. Here it is known who comes after the next, and their memory is asked for in
/// advance.
struct RunQueue {
  private var slots: UnsafeMutablePointer<CoroutineRecord.Reference>?
  /// The length of the block, a power of two, less one.
  private var mask = -1
  /// Where the first one is; counts on and on, and wraps around.
  private var head = 0
  private var count = 0

  /// With fewer than so many, all their memory is in the caches anyway.
  private static let lengthToPrefetch = 32
  /// How many places ahead a record is asked for, and then, as it says where, the stack.
  private static let recordDistance = 6
  private static let stackDistance = 3

  var isEmpty: Bool { count == 0 }

  /// Makes room for so many coroutines, where one is born: to make one ready must not fail.
  ///
  /// - Returns: Whether there is memory for it.
  @inline(__always)
  mutating func reserve(_ wanted: Int) -> Bool {
    wanted <= mask &+ 1 || grow(wanted)
  }

  /// Adds a coroutine, which is in no list, at the end.
  @inline(__always)
  mutating func append(_ record: CoroutineRecord.Reference) {
    assert(count <= mask, "There was to be room for every living coroutine.")
    slot(head &+ count).initialize(to: record)
    count &+= 1
  }

  /// Adds a coroutine, which is in no list, ahead of all others.
  @inline(__always)
  mutating func prepend(_ record: CoroutineRecord.Reference) {
    assert(count <= mask, "There was to be room for every living coroutine.")
    head &-= 1
    count &+= 1
    slot(head).initialize(to: record)
  }

  @inline(__always)
  mutating func popFirst() -> CoroutineRecord.Reference? {
    if count == 0 { return nil }
    let record = slot(head).pointee
    head &+= 1
    count &-= 1
    prefetch()
    return record
  }

  /// Takes the first one out and puts `record`, which is in no list, at the end.
  ///
  /// - Returns: nil, and does nothing, if there is none.
  @inline(__always)
  mutating func popFirst(appending record: CoroutineRecord.Reference) -> CoroutineRecord.Reference?
  {
    if count == 0 { return nil }
    let first = slot(head).pointee
    slot(head &+ count).initialize(to: record)
    head &+= 1
    prefetch()
    return first
  }

  /// Forgets everyone.
  mutating func removeAll() {
    count = 0
  }

  func deallocate() {
    free(slots)
  }

  @inline(__always)
  private func slot(_ index: Int) -> UnsafeMutablePointer<CoroutineRecord.Reference> {
    // There are slots if there is an index.
    slots.unsafelyUnwrapped + (index & mask)
  }

  @inline(__always)
  private func prefetch() {
    if count < Self.lengthToPrefetch { return }
    coro_prefetch(slot(head &+ Self.recordDistance).pointee)
    coro_prefetch_stack(&slot(head &+ Self.stackDistance).pointee.pointee.context)
  }

  @inline(never)
  private mutating func grow(_ wanted: Int) -> Bool {
    var capacity = max(64, mask &+ 1)
    while capacity < wanted { capacity *= 2 }
    // By malloc, which can say no.
    guard let memory = malloc(capacity * MemoryLayout<CoroutineRecord.Reference>.stride) else {
      return false
    }
    let new = memory.bindMemory(to: CoroutineRecord.Reference.self, capacity: capacity)
    for index in 0..<count { (new + index).initialize(to: slot(head &+ index).pointee) }
    free(slots)
    (slots, mask, head) = (new, capacity - 1, 0)
    return true
  }
}
