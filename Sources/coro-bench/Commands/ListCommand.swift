import ArgumentParser

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the workloads and their units.")

  func run() {
    var table = Table(["workload", "what it measures", "figures"], [.left, .left, .left])
    for workload in Workload.all {
      let figures = workload.figures.map { $0.name.isEmpty ? $0.unit : "\($0.name) \($0.unit)" }
      for (number, figure) in figures.enumerated() {
        table.append(number == 0 ? [workload.name, workload.summary, figure] : ["", "", figure])
      }
    }
    print(table.lines.joined(separator: "\n"))
    print("\nBackends: \(BackendUnderTest.names).")
  }
}
