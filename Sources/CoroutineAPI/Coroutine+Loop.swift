import CContext
import Glibc

/// What concerns the calling thread's loop.
extension Coroutine {
  /// The coroutine that runs this code.
  ///
  /// Traps on a thread without a loop, the process's main thread apart.
  public static var current: Coroutine {
    let core = Scheduler.orTrap("Coroutine.current").core
    return core.running.pointee.object.takeUnretainedValue()
  }

  /// The loop's main coroutine: the program's top-level code, or the body of `run(on:)`.
  ///
  /// Traps on a thread without a loop, the process's main thread apart.
  public static var main: Coroutine {
    let core = Scheduler.orTrap("Coroutine.main").core
    return core.pointee.main.pointee.object.takeUnretainedValue()
  }

  /// Every coroutine of the loop that is alive, the main one included, in order of their start.
  ///
  /// Traps on a thread without a loop, the process's main thread apart.
  public static func enumerate() -> [Coroutine] {
    Scheduler.orTrap("Coroutine.enumerate").living.reversed().map {
      $0.pointee.object.takeUnretainedValue()
    }
  }

  /// The length of `enumerate()`, without making it.
  ///
  /// Traps on a thread without a loop, the process's main thread apart.
  public static var activeCount: Int {
    let core = Scheduler.orTrap("Coroutine.activeCount").core
    return core.pointee.aliveCount - core.pointee.endedCount
  }

  /// Called with an error that left a coroutine's code, in that coroutine; for the calling thread's
  /// loop.
  ///
  /// nil, as it is at first, writes a line to standard error.
  ///
  /// The counterpart of Python's `threading.excepthook`. A `CoroutineError` with code `cancelled`
  /// is how a cancelled coroutine ends, and is not reported. Traps on a thread without a loop, the
  /// process's main thread apart.
  public static var uncaughtErrorHook: ((Coroutine, any Error) -> Void)? {
    get { Scheduler.orTrap("Coroutine.uncaughtErrorHook").core.pointee.uncaughtErrorHook }
    set {
      Scheduler.orTrap("Coroutine.uncaughtErrorHook").core.pointee.uncaughtErrorHook = newValue
    }
  }

  final func report(_ error: any Error) {
    if let error = error as? CoroutineError, error.code == .cancelled { return }
    guard let scheduler = Scheduler.current else { return }
    if let hook = scheduler.core.pointee.uncaughtErrorHook {
      hook(self, error)
    } else {
      Scheduler.write("Error in coroutine \(name): \(error)\n", to: STDERR_FILENO)
    }
  }
}
