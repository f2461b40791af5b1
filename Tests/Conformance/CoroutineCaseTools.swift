import CoroutineAPI
import Glibc

/// The error that `body` throws, or nil if it returns.
func caught<Result>(of body: () throws(CoroutineError) -> Result) -> CoroutineError? {
  do throws(CoroutineError) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

/// What happened, in order; shared by the coroutines of one loop.
final class EventLog {
  private(set) var events: [String] = []

  func note(_ event: String) {
    events.append(event)
  }
}

/// Counts its instances, so that a leak and an excess release both show.
final class Counted {
  final class Counter {
    var alive = 0
    var made = 0
  }

  private let counter: Counter

  init(_ counter: Counter) {
    self.counter = counter
    counter.alive += 1
    counter.made += 1
  }

  deinit {
    counter.alive -= 1
  }
}

/// Runs `body` on a thread of its own and waits for its end.
///
/// An expectation in `body` would not know which test it belongs to: return what is to be expected.
func onNewThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result? {
  let job = ThreadJob(body)
  job.start()
  return job.wait()
}

/// A function that runs on a thread of its own.
// Safe to call Sendable: the thread writes the result, which is read after the thread was joined.
final class ThreadJob<Result: Sendable>: @unchecked Sendable {
  private let body: @Sendable () -> Result
  private var result: Result?
  private var thread = pthread_t()

  init(_ body: @escaping @Sendable () -> Result) {
    self.body = body
  }

  func start() {
    // A C function can't be generic, so it is given a closure.
    let perform = ThreadBody { self.result = self.body() }
    let created = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().perform()
        return nil
      }, Unmanaged.passRetained(perform).toOpaque())
    guard created == 0 else { fatalError("No thread is to be had: errno \(created).") }
  }

  func wait() -> Result? {
    pthread_join(thread, nil)
    return result
  }
}

private final class ThreadBody {
  let perform: () -> Void

  init(_ perform: @escaping () -> Void) {
    self.perform = perform
  }
}

/// How many descriptors the process has open.
func openDescriptorCount() -> Int {
  guard let directory = opendir("/proc/self/fd") else { return -1 }
  defer { closedir(directory) }
  var count = 0
  while readdir(directory) != nil { count += 1 }
  return count
}

/// Starts the coroutines that `make` makes for a moment that lies ahead, and joins them.
///
/// On a busy machine the moment may come before the last one has started: then all is done again,
/// with more time.
func startAhead(_ make: (Instant) throws -> [Coroutine]) throws {
  var lead = Duration.milliseconds(2)
  while true {
    let moment = Instant.now + lead
    let coroutines = try make(moment)
    for coroutine in coroutines { coroutine.start() }
    let isInTime = Instant.now < moment
    for coroutine in coroutines { try coroutine.join() }
    if isInTime { return }
    lead = lead * 2
  }
}
