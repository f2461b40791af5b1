/// Runs rounds and collects what they say.
///
/// The contenders take turns within each round, in another order each time: what drifts on the
/// machine meanwhile hits them alike, and nobody always follows the same one.
struct Session {
  let contenders: [Contender]
  let rounds: Int
  let duration: Duration
  /// Whether the system calls of what serves are counted, too.
  var countsCalls = false
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
      if countsCalls, case .service(let load) = workload.measuring {
        let working = zip(able, results).filter { !$1.isEmpty }.map(\.0)
        countCalls(workload, load, item, working, done, &findings)
      }
      let loads = zip(able, results).compactMap {
        contender, rounds -> (contender: String, loads: [LoadResult])? in
        let loads = rounds.compactMap(\.load)
        return loads.isEmpty ? nil : (contender.name, loads)
      }
      findings.latencies += loads.map { contender, loads in
        LatencyCurve.of(loads, workload.name, item.label, contender)
      }
      for text in [Self.noteOfGenerator(loads), Self.noteOfLosses(loads)].compactMap(\.self) {
        findings.notes.append(
          Report.Note(workload: workload.name, label: item.label, contender: "", text: text))
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
      for index in able.indices.shuffled() where !hasFailed[index] {
        let contender = able[index]
        progress.show(done, "\(title), \(contender.name), round \(round + 1) of \(rounds)")
        do {
          results[index].append(try contender.measure(workload, item.parameters, duration))
        } catch is NotOffered {
          hasFailed[index] = true
          results[index] = []
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
              text: "\(error)"))
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

  /// Whose datagrams were lost: they are in no rate and no latency.
  static func noteOfLosses(_ loads: [(contender: String, loads: [LoadResult])]) -> String? {
    let losses = loads.compactMap { contender, loads in
      let (lost, answered) = loads.reduce((0, 0)) { ($0.0 + $1.lost, $0.1 + $1.requests) }
      return lost == 0 ? nil : "\(contender) \(lost) of \(lost + answered)"
    }
    if losses.isEmpty { return nil }
    return "Lost, sent again after a while, and counted nowhere else: "
      + losses.joined(separator: ", ") + "."
  }

  /// Whose rates and latencies say nothing, because the load generator was the bottleneck.
  static func noteOfGenerator(_ loads: [(contender: String, loads: [LoadResult])]) -> String? {
    let busy = loads.compactMap { contender, loads in
      let share = Statistics(
        loads.map { Double($0.generatorNanoseconds) / Double($0.nanoseconds) }
      ).median
      return share > 0.9 ? "\(contender) (\(NumberText.fixed(share * 100, digits: 0)) %)" : nil
    }
    if busy.isEmpty { return nil }
    return "The load generator was the bottleneck (busy so much of the time) with "
      + busy.joined(separator: ", ")
      + ": rates and latencies there are its own; CPU is the server's."
  }
}
