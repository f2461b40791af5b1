import Peer
import Synchronization

extension Round {
  static let yield = Round("yield", parameters: ["coroutines"]) { parameters, duration in
    let tasks = try parameters.number("coroutines")
    return [
      Figure(
        await nanosecondsPerStep(duration: duration) { wanted in
          await yieldAll(tasks: tasks, times: max(2, wanted / tasks))
        })
    ]
  }
}

private func yieldAll(tasks: Int, times: Int) async -> Steps {
  let span = Span()
  await withDiscardingTaskGroup { group in
    for _ in 0..<tasks {
      group.addTask {
        // Their starts are not counted: nobody begins before all are there.
        span.arrive(ofAll: tasks)
        while !span.hasBegun { await Task.yield() }
        for _ in 0..<times { await Task.yield() }
        // Neither are their ends: all others are at their last yield too.
        span.end()
      }
    }
  }
  return Steps(count: tasks * times, nanoseconds: span.nanoseconds)
}

/// The time in which all yield and do nothing else.
private final class Span: Sendable {
  private let arrived = Atomic(0)
  private let firstTime = Atomic<Int64>(0)
  private let lastTime = Atomic<Int64>(0)

  var hasBegun: Bool { firstTime.load(ordering: .relaxed) != 0 }

  var nanoseconds: Int64 {
    lastTime.load(ordering: .relaxed) - firstTime.load(ordering: .relaxed)
  }

  /// Begins it, if nobody else is missing.
  func arrive(ofAll count: Int) {
    guard arrived.add(1, ordering: .relaxed).newValue == count else { return }
    firstTime.store(ProcessorTime.now, ordering: .relaxed)
  }

  /// Ends it, if nobody else was first.
  func end() {
    guard lastTime.load(ordering: .relaxed) == 0 else { return }
    _ = lastTime.compareExchange(expected: 0, desired: ProcessorTime.now, ordering: .relaxed)
  }
}
