import Peer

extension Round {
  static let pending = Round("pending", parameters: ["timers"]) { parameters, _ in
    let count = try parameters.number("timers")
    let start = ProcessorTime.now
    try await withThrowingDiscardingTaskGroup { group in
      for duration in PendingTimers.durations(count: count) {
        group.addTask { try await Task.sleep(for: duration) }
      }
    }
    return [Figure("CPU", Double(ProcessorTime.now - start) / Double(count))]
  }
}
