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
