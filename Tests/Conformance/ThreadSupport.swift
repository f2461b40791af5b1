import CoroutineAPI
import Glibc

/// A function that runs on a thread of its own, with no signal blocked.
// Safe to call Sendable: the thread writes the result, which is read after the thread was joined.
final class ThreadJob<Result: Sendable>: @unchecked Sendable {
  private var result: Result?
  private var thread = pthread_t()

  /// Starts the thread.
  ///
  /// An expectation in `body` would not know which test it belongs to: return what is to be
  /// expected.
  init(_ body: @escaping @Sendable () -> Result) {
    // A C function can't be generic, so it is given a closure.
    let perform = ThreadBody { withUnblockedSignals { self.result = body() } }
    let created = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().perform()
        return nil
      }, Unmanaged.passRetained(perform).toOpaque())
    guard created == 0 else { fatalError("No thread is to be had: errno \(created).") }
  }

  /// Blocks the calling thread until the other has ended, and gives its result.
  @discardableResult
  func join() -> Result {
    pthread_join(thread, nil)
    guard let result else { fatalError("The thread left no result.") }
    return result
  }
}

private final class ThreadBody {
  let perform: () -> Void

  init(_ perform: @escaping () -> Void) {
    self.perform = perform
  }
}

/// Runs `body` on a thread of its own and waits for its end.
func onNewThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
  ThreadJob(body).join()
}

/// Watches a thread from another one.
final class TaskWatch: Sendable {
  private let status: CInt

  /// Watches the calling thread.
  init() {
    status = open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC)
  }

  /// Watches another process's main thread.
  init(process: pid_t) {
    status = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
  }

  deinit { close(status) }

  /// Blocks the caller until the watched thread sleeps in the kernel: until its loop waits.
  ///
  /// There is no event to wait for, and no clock in it: the kernel is asked for the state.
  func waitUntilAsleep() {
    var line = [UInt8](repeating: 0, count: 512)
    while true {
      let count = pread(status, &line, line.count, 0)
      guard count > 0 else { fatalError("The state of a thread can't be read: errno \(errno).") }
      // "1234 (name) S …": the name may hold anything, but no later closing parenthesis.
      if let end = line[..<count].lastIndex(of: UInt8(ascii: ")")),
        line[end + 2] == UInt8(ascii: "S")
      {
        return
      }
      sched_yield()
    }
  }
}
