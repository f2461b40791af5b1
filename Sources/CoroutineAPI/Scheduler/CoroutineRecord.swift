import CContext

/// What the scheduler knows of a living coroutine.
///
/// It lies at the top of the coroutine's own stack (the main coroutine's lies on the heap), and is
/// reached through a one-word reference that owns nothing: no reference counting, no exclusivity
/// checks. The `Coroutine` object outlives it.
///
///     low                                                                    high
///     | guard 64 KiB | ... frames grow this way <--- | record | colour, < 2 KiB |
///
struct CoroutineRecord {
  typealias Reference = UnsafeMutablePointer<CoroutineRecord>

  /// First, so that a record's address is its context's.
  ///
  /// Its first cache line also holds what else is touched whenever a coroutine waits and is woken
  /// (`CoroutineRecord+Owner.swift`): of a sleeping coroutine nothing else is, but its frames.
  var context = coro_context()

  /// Links for a list of joiners that the coroutine is in; of its stack, for the pool's lists.
  var next: Reference?
  var previous: Reference?

  var isDaemon = false
  /// Works for the library: in no enumeration, no count, no report.
  var isHidden = false
  var isEnded = false
  /// Waits that were refused because its loop ends.
  var refusedWaits: UInt32 = 0

  /// The coroutine it waits for, while `wait` is `.join`.
  var joinTarget: Reference?
  /// The coroutines that wait for its end.
  var joiners = WaitList()

  /// The record owns one reference; released at the coroutine's end.
  var object: Unmanaged<Coroutine>
  var stack: Stack
  /// Task-local values that were pushed for it at start, and how many.
  var taskLocals: UnsafeMutableRawPointer?
  var taskLocalCount: Int32 = 0

  /// Links for the list of the living.
  var nextAlive: Reference?
  var previousAlive: Reference?

  // Inlined, so that it is made where it lies.
  @inline(__always)
  init(
    core: UnsafeMutablePointer<SchedulerCore>, object: Unmanaged<Coroutine>, stack: Stack
  ) {
    self.object = object
    self.stack = stack
    context.owner.core = UnsafeMutableRawPointer(core)
    context.owner.timer_place = -1
  }
}

/// Why a waiting coroutine runs again.
enum WakeReason: UInt8 {
  /// What it waited for happened.
  case ready
  /// Its time was up.
  case timeout
  case cancelled
  /// Nothing can ever happen any more.
  case deadlock
}

/// What a coroutine was told with regard to its end.
enum Cancellation: UInt8 {
  case none
  /// `cancel()` was called, and the error was not thrown yet.
  case once
  /// Its loop ends: each wait throws.
  case always
}

/// What a coroutine waits for; the operands are in the record.
enum Wait: UInt8 {
  case nothing
  case operation
  case sleep
  case join
  /// That the operations of a descriptor end, which it closes.
  case close
  /// The main coroutine, after its code ended: that the others end.
  case end
}
