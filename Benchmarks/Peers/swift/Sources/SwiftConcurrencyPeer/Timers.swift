import Peer

extension Round {
  static let timers = Round("timers", parameters: ["sleepers"]) { parameters, duration in
    let sleepers = try parameters.number("sleepers")
    let wakeUps = WakeUps()
    return try await withThrowingTaskGroup { group in
      for _ in 0..<sleepers {
        group.addTask {
          repeat { try await Task.sleep(for: .milliseconds(1)) } while wakeUps.goesOn()
        }
      }
      let nanoseconds = try await wakeUps.measure(for: duration)
      try await group.waitForAll()
      return [Figure("CPU", nanoseconds)]
    }
  }
}
