import CContext
import Glibc

/// The state of one loop, in stable memory: no class, so no exclusivity checks and no counting.
struct SchedulerCore {
  /// What every switch touches; first, so that C finds it at the core's address.
  var dispatcher = coro_dispatcher()
  /// What descriptors know the loop by; an address would be given to another loop one day.
  var number: UInt64 = 0
  /// See `Backend.sendsAtOnce`.
  var sendsAtOnce = false
  /// How many wait for room, or to be connected.
  var sendersInFlight = 0

  // MARK: The kernel's side

  /// Made when something first waits for the kernel; nil before.
  var backend: Unmanaged<BackendBox>?
  let choice: BackendChoice
  var timers = TimerQueue()
  var budgetMax: Int32 = SchedulerCore.budgetStart
  var lastPoll = Instant(nanoseconds: 0)
  /// How many budgets were spent since.
  var budgetsSinceLook = 0
  /// Till when somebody counts as computing who has done so.
  var computingUntil = Instant(nanoseconds: 0)
  /// When the kernel was asked last without blocking, or a little later.
  var lastLook = Instant(nanoseconds: 0)
  /// Where the run queue's head will be when everybody has run who could when it was asked.
  var roundEnd: Int64 = 0
  /// About when the last turn ended; who parks notes it, so that parking reads no clock.
  var turnTime = Instant.kernelNow
  /// Something could run ever since `lastPoll`.
  var isBusySinceLastPoll = true

  /// Operations that were reported and that nobody waited for, to be freed when the backend's
  /// `wait` has returned.
  var finishedDetached = OperationList()

  // MARK: The coroutines

  let main: CoroutineRecord.Reference
  /// A child made without fork's handlers inherits the memory, not the loop.
  let process = getpid()
  /// Where `fork` finds it; added to its list as long as the loop lives.
  var loop = coro_loop()
  /// This process was forked from the one whose loop it is.
  var isAbandoned = false
  var firstAlive: CoroutineRecord.Reference?
  /// How many are in that list, the hidden ones too.
  var listedCount = 0
  var aliveCount = 0
  /// Of these, the ones whose code is over: their object's `deinit` may be running, and the main
  /// coroutine stays until the loop is gone.
  var endedCount = 0
  /// Of these, the ones that the end waits for.
  ///
  /// The main coroutine is not counted.
  var nonDaemonCount = 0
  var stacks = StackPool()
  /// The sanitizers' state of a coroutine that ended; freed once nobody stands on its stack.
  var endedContext = coro_context()

  // MARK: Signals and the end

  var signals: SignalTable?
  /// The program's end is its end: it was made by the main thread's first call, not by `run(on:)`.
  var isProgramsLoop = false
  /// The loop is being taken down: every wait throws `cancelled` at once.
  var isClosing = false
  /// Watches for coroutines that hold the thread; switches are checked while there is one.
  var watchdog: Unmanaged<Watchdog>?
  /// Modifications that are open while their coroutine waits are reported.
  var reportsModifications = false
  var uncaughtErrorHook: ((Coroutine, any Error) -> Void)?

  static let budgetStart: Int32 = 64
  static let budgetLimit: Int32 = 16_384

  init(main: CoroutineRecord.Reference, choice: BackendChoice) {
    self.main = main
    self.choice = choice
    dispatcher.running = main.context
    dispatcher.poll_at = Int64(Self.budgetStart)
  }

  var mustBeChecked: Bool {
    coro_sanitizers_present() || dispatcher.words.uses_exclusivity_calls || reportsModifications
      || watchdog != nil
  }
}

/// Holds the one existential; `let`, so that a call through it counts no references.
final class BackendBox {
  let backend: any Backend

  init(_ backend: any Backend) {
    self.backend = backend
  }
}
