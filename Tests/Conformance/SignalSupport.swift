import CLinux
import CoroutineAPI
import Glibc
import Testing

/// Blocks threads until it is open.
final class Gate: Sendable {
  private let descriptor = eventfd(0, CInt(EFD_CLOEXEC))

  deinit { Glibc.close(descriptor) }

  func open() { eventfd_write(descriptor, 1) }

  func wait() {
    var count: eventfd_t = 0
    eventfd_read(descriptor, &count)
  }
}

/// Runs `body` with no signal blocked in the calling thread, as in a program's main thread.
///
/// The threads on which Swift Testing runs its tests block most signals.
func withUnblockedSignals<Result>(_ body: () throws -> Result) rethrows -> Result {
  var none = sigset_t()
  var before = sigset_t()
  pthread_sigmask(SIG_SETMASK, &none, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
  return try body()
}

extension BackendUnderTest {
  /// As `run`, with no signal blocked.
  func runUnblocked<Result>(_ body: () throws -> Result) throws -> Result {
    try withUnblockedSignals { try run(body) }
  }
}

/// Runs `body` in a loop while another thread's loop has set SIGUSR1, which was ignored; that loop
/// is over when `endOther` returns.
func besideAnotherLoop(
  _ backend: BackendUnderTest,
  setting others: @escaping @Sendable () throws -> Void = {
    try Coroutine.signal(SIGUSR1) { _ in }
  },
  _ body: (_ endOther: () -> Void) throws -> Void
) throws {
  try withUnblockedSignals {
    let before = setDisposition(of: SIGUSR1, .ignoringAction)
    defer { setDisposition(of: SIGUSR1, before) }
    let choice = backend.choice
    let (isSet, isOver) = (Gate(), Gate())
    let thread = ThreadJob {
      try? Coroutine.run(on: choice) {
        try others()
        isSet.open()
        isOver.wait()
      }
    }
    try backend.runUnblocked {
      isSet.wait()
      try body {
        isOver.open()
        thread.join()
      }
    }
    #expect(disposition(of: SIGUSR1).handlerAddress == 1)
  }
}

/// Sends a signal to the calling thread, whose handler has run when this returns.
func raiseHere(_ number: CInt) {
  pthread_kill(pthread_self(), number)
}

/// All bytes until every writer has closed.
func readToEnd(_ reader: PipeEnd, timeout: Duration? = nil) throws(CoroutineError) -> [UInt8] {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while case let count = try reader.read(into: &buffer, timeout: timeout), count > 0 {
    bytes += buffer[..<count]
  }
  return bytes
}

/// Has SIGALRM sent every so many microseconds; 0 ends it.
func setIntervalTimer(microseconds: Int) {
  let interval = timeval(tv_sec: 0, tv_usec: microseconds)
  var timer = itimerval(it_interval: interval, it_value: interval)
  setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
}

/// Has SIGALRM ignored where nobody handles it, for the rest of the process: its default action
/// ends the process, and a timer's last signal may come long after the timer's end, for one that a
/// tracer has in hand is pending nowhere.
func surviveLateAlarms() {
  setDisposition(of: SIGALRM, .ignoringAction)
}

/// SIGRTMIN, which is no constant: glibc keeps the first ones for itself.
var realtimeFirst: CInt { __libc_current_sigrtmin() }

/// What the signal does now, as the kernel has it.
func disposition(of number: CInt) -> sigaction {
  var action = sigaction()
  sigaction(number, nil, &action)
  return action
}

/// Sets what a signal does, behind the library's back.
@discardableResult
func setDisposition(of number: CInt, _ action: sigaction) -> sigaction {
  var action = action
  var previous = sigaction()
  sigaction(number, &action, &previous)
  return previous
}

extension sigaction {
  /// The handler's address; 0 is SIG_DFL, 1 is SIG_IGN.
  var handlerAddress: UInt {
    withUnsafeBytes(of: __sigaction_handler) { $0.loadUnaligned(as: UInt.self) }
  }

  static var defaultAction: sigaction { sigaction() }

  static var ignoringAction: sigaction {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = SIG_IGN
    return action
  }
}
