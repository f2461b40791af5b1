/// Runs rounds and collects what they say.
///
/// The contenders take turns within each round, and another one begins each time: what drifts on
/// the machine meanwhile hits them alike.
struct Session {
  let contenders: [Contender]
  let rounds: Int
  let duration: Duration
  let progress: Progress

  /// What a session found.
  struct Findings {
    var measurements: [Measurement] = []
    var latencies: [Report.Latency] = []
    var notes: [Report.Note] = []
    /// The first failure of each contender in each case, as sentences.
    var failures: [String] = []
  }

  func run(_ cases: [(workload: Workload, case: Case)]) -> Findings {
    var findings = Findings()
    for (index, (workload, item)) in cases.enumerated() {
      let able = contenders.filter { $0.can(workload) }
      let done = Double(index) / Double(cases.count)
      let results = measure(workload, item, able, done, &findings)
      findings.measurements += Self.measurements(workload, item, able.map(\.name), results)
      for (contender, rounds) in zip(able, results) {
        let loads = rounds.compactMap(\.load)
        guard !loads.isEmpty else { continue }
        findings.latencies.append(
          LatencyCurve.of(loads, workload.name, item.label, contender.name))
        if let text = Self.noteOfGenerator(loads) {
          findings.notes.append(
            Report.Note(
              workload: workload.name, label: item.label, contender: contender.name, text: text))
        }
      }
    }
    progress.clear()
    return findings
  }

  /// - Returns: What each round of each of `able` found; nothing of one that failed.
  private func measure(
    _ workload: Workload, _ item: Case, _ able: [Contender], _ done: Double,
    _ findings: inout Findings
  ) -> [[RoundResult]] {
    var results: [[RoundResult]] = Array(repeating: [], count: able.count)
    var hasFailed = Array(repeating: false, count: able.count)
    let title = [workload.name, item.label].filter { !$0.isEmpty }.joined(separator: " ")
    for round in 0..<rounds {
      for turn in able.indices {
        let index = (turn + round) % able.count
        if hasFailed[index] { continue }
        let contender = able[index]
        progress.show(done, "\(title), \(contender.name), round \(round + 1) of \(rounds)")
        do {
          results[index].append(try contender.measure(workload, item.parameters, duration))
        } catch is NotOffered {
          hasFailed[index] = true
          findings.notes.append(
            Report.Note(
              workload: workload.name, label: item.label, contender: contender.name,
              text: "It offers no such case."))
        } catch {
          hasFailed[index] = true
          results[index] = []
          findings.failures.append("\(title), \(contender.name): \(error)")
          findings.notes.append(
            Report.Note(
              workload: workload.name, label: item.label, contender: contender.name,
              text: "It failed: \(error)"))
        }
      }
    }
    return results
  }

  static func measurements(
    _ workload: Workload, _ item: Case, _ contenders: [String], _ results: [[RoundResult]]
  ) -> [Measurement] {
    workload.figures.enumerated().map { number, figure in
      Measurement(
        workload: workload.name, label: item.label, parameters: item.parameters, figure: figure,
        results: zip(contenders, results).compactMap { contender, rounds in
          if rounds.isEmpty { return nil }
          return (contender, Statistics(rounds.map { $0.values[number] }))
        })
    }
  }

  /// What the rate and the latencies are worth, if the load generator was the bottleneck.
  static func noteOfGenerator(_ loads: [LoadResult]) -> String? {
    let busy = Statistics(
      loads.map { Double($0.generatorNanoseconds) / Double($0.nanoseconds) }
    ).median
    guard busy > 0.9 else { return nil }
    return "The load generator was the bottleneck (busy \(NumberText.fixed(busy * 100, digits: 0)) "
      + "% of the time): rate and latencies are its own; CPU is the server's."
  }
}
