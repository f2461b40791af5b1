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
  var context = coro_context()

  /// Links for the one list that the coroutine is in: the run queue or a list of joiners (I2).
  var next: Reference?
  var previous: Reference?

  /// Why it was made ready.
  ///
  /// Written by who makes it ready, read by who was waiting.
  var wakeReason = WakeReason.ready
  /// What it waits for.
  var wait = Wait.nothing
  /// Whether its waits throw `cancelled`.
  var cancellation = Cancellation.none
  var isDaemon = false
  /// Works for the library: in no enumeration, no count, no report.
  var isHidden = false
  var isEnded = false
  /// Waits that were refused because its loop ends.
  var refusedWaits: UInt32 = 0

  /// Its place in the timer heap, or -1.
  var timerIndex: Int32 = -1
  /// When its wait began, to within the time between two turns of the loop.
  var since = Instant(nanoseconds: 0)
  /// The operation it waits for, while `wait` is `.operation`.
  var operation: KernelOperation.Reference?
  /// The coroutine it waits for, while `wait` is `.join`.
  var joinTarget: Reference?
  /// The coroutines that wait for its end.
  var joiners = WaitList()

  let core: UnsafeMutablePointer<SchedulerCore>
  /// The record owns one reference; released at the coroutine's end.
  var object: Unmanaged<Coroutine>
  var stack: Stack
  /// Task-local values that were pushed for it at start.
  var taskLocalCount: Int32 = 0

  /// Links for the list of the living.
  var nextAlive: Reference?
  var previousAlive: Reference?

  init(
    core: UnsafeMutablePointer<SchedulerCore>, object: Unmanaged<Coroutine>, stack: Stack
  ) {
    self.core = core
    self.object = object
    self.stack = stack
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
