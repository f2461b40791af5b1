extension Session {
  /// Has everybody serve for one more round, and counts the system calls of an answer.
  func countCalls(
    _ workload: Workload, _ load: ServiceLoad, _ item: Case, _ contenders: [Contender],
    _ done: Double, _ findings: inout Findings
  ) {
    var results: [(contender: String, statistics: Statistics)] = []
    for contender in contenders {
      progress.show(done, "\(workload.name) \(item.label), \(contender.name), system calls")
      do {
        let calls = try contender.callsOfServing(load, item.parameters, duration)
        results.append((contender.name, Statistics([calls])))
      } catch {
        findings.failures.append(
          "\(workload.name) \(item.label), \(contender.name), system calls: \(error)")
        findings.notes.append(
          Report.Note(
            workload: workload.name, label: item.label, contender: contender.name,
            text: "Its system calls were not counted: \(error)"))
      }
    }
    findings.measurements.append(
      Measurement(
        workload: workload.name, label: item.label, parameters: item.parameters,
        figure: load.figureOfCalls, results: results))
  }
}
