extension Round {
  /// Nanoseconds of CPU time that one step costs, measured over about `duration`.
  ///
  /// - Parameter steps: Does at least so many steps, and says how many they were and how long they
  ///   took. It is called with growing numbers, of which the last counts; so what is only slow the
  ///   first time is not measured.
  func nanosecondsPerStep(
    _ steps: (Int) throws -> (count: Int, nanoseconds: Int64)
  ) rethrows -> Double {
    if let exactSteps {
      let only = try steps(exactSteps)
      return Double(only.nanoseconds) / Double(only.count)
    }
    var wanted = 100
    while true {
      let (count, nanoseconds) = try steps(wanted)
      if nanoseconds >= duration.nanoseconds / 8 {
        let scale = Double(duration.nanoseconds) / Double(nanoseconds)
        let last = try steps(max(1, Int(Double(count) * scale)))
        return Double(last.nanoseconds) / Double(last.count)
      }
      wanted = count * 4
    }
  }

  /// As above, where `body` does exactly so many steps and nothing else.
  func nanosecondsPerStep(ofExactly body: (Int) throws -> Void) rethrows -> Double {
    try nanosecondsPerStep { count in
      let start = ProcessorTime.now
      try body(count)
      return (count, ProcessorTime.now - start)
    }
  }
}
