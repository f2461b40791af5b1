/// Runs rounds and collects what they say.
///
/// The contenders take turns within each round, and another one begins each time: what drifts on the
/// machine meanwhile hits them alike.
struct Session {
  let contenders: [Contender]
  let rounds: Int
  let duration: Duration
  let progress: Progress

  /// - Returns: The measurements, and the first failure of each contender in each case.
  func run(_ cases: [(workload: Workload, case: Case)]) -> (
    measurements: [Measurement], failures: [String]
  ) {
    var measurements: [Measurement] = []
    var failures: [String] = []
    for (index, (workload, item)) in cases.enumerated() {
      let done = Double(index) / Double(cases.count)
      let values = measure(workload, item, done) { failures.append($0) }
      measurements += Self.measurements(workload, item, contenders.map(\.name), values)
    }
    progress.clear()
    return (measurements, failures)
  }

  /// - Returns: For each contender, for each round, a value for each figure.
  private func measure(
    _ workload: Workload, _ item: Case, _ done: Double, failed: (String) -> Void
  ) -> [[[Double]]] {
    var values: [[[Double]]] = Array(repeating: [], count: contenders.count)
    var hasFailed = Array(repeating: false, count: contenders.count)
    for round in 0..<rounds {
      for turn in contenders.indices {
        let index = (turn + round) % contenders.count
        if hasFailed[index] { continue }
        let contender = contenders[index]
        let title = [workload.name, item.label].filter { !$0.isEmpty }.joined(separator: " ")
        progress.show(
          done, "\(title), \(contender.name), round \(round + 1) of \(rounds)")
        do {
          values[index].append(try contender.measure(workload, item.parameters, duration))
        } catch {
          hasFailed[index] = true
          values[index] = []
          failed("\(title), \(contender.name): \(error)")
        }
      }
    }
    return values
  }

  static func measurements(
    _ workload: Workload, _ item: Case, _ contenders: [String], _ values: [[[Double]]]
  ) -> [Measurement] {
    workload.figures.enumerated().map { number, figure in
      Measurement(
        workload: workload.name, label: item.label, parameters: item.parameters, figure: figure,
        results: zip(contenders, values).compactMap { contender, rounds in
          if rounds.isEmpty { return nil }
          return (contender, Statistics(rounds.map { $0[number] }))
        })
    }
  }
}
