import ArgumentParser

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the workloads and their units.")

  @Flag(help: "List only the backends that this machine permits, a line each.")
  var backends = false

  func run() {
    if backends { listBackends() } else { listWorkloads() }
  }

  private func listBackends() {
    for backend in BackendUnderTest.all {
      if let reason = backend.reasonForDenial() {
        StandardError.write("\(backend.name) is left out: \(reason)\n")
      } else {
        print(backend.name)
      }
    }
  }

  private func listWorkloads() {
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
