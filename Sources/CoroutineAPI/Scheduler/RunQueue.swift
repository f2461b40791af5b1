import CContext
import Glibc

/// The coroutines that can run, in order: see `coro_run_queue.h`, where a yield finds it too.
///
/// Here it has its type.
typealias RunQueue = coro_run_queue

extension RunQueue {
  var isEmpty: Bool { @inline(__always) get { count == 0 } }

  /// Where the head will be when everybody has run who is in it.
  var end: Int64 { head &+ count }

  /// Makes room for so many coroutines, where one is born: to make one ready must not fail.
  ///
  /// - Returns: Whether there is memory for it.
  @inline(__always)
  mutating func reserve(_ wanted: Int) -> Bool {
    wanted <= mask || coro_run_queue_grow(&self, Int64(wanted))
  }

  /// Adds a coroutine, which is in no list, at the end.
  @inline(__always)
  mutating func append(_ record: CoroutineRecord.Reference) {
    assert(count < mask, "There was to be room for every living coroutine.")
    coro_run_queue_slot(&self, head &+ count).pointee = record.context
    count &+= 1
  }

  /// Adds a coroutine, which is in no list, ahead of all others.
  @inline(__always)
  mutating func prepend(_ record: CoroutineRecord.Reference) {
    assert(count < mask, "There was to be room for every living coroutine.")
    head &-= 1
    count &+= 1
    coro_run_queue_slot(&self, head).pointee = record.context
  }

  @inline(__always)
  mutating func popFirst() -> CoroutineRecord.Reference? {
    coro_run_queue_pop(&self).map { CoroutineRecord.Reference(context: $0) }
  }

  /// Forgets everyone.
  mutating func removeAll() {
    count = 0
  }

  func deallocate() {
    free(slots)
  }
}
