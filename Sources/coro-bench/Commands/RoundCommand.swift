import ArgumentParser

/// One round of one workload, in a process of its own.
///
/// `run` starts it; see `Contender`.
struct RoundCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "round", abstract: "Does one round of a workload and prints its figures.",
    shouldDisplay: false)

  @Option var workload: String
  @Option var backend: String
  @Option var durationMs: Int = 500
  @Option(help: "Do exactly so many steps.") var steps: Int?
  @Argument(help: "name=value, as the workload wants them.") var parameters: [String] = []

  func run() throws {
    let workload = try Workload.named(workload)
    DescriptorLimit.raise()
    let round = Round(
      backend: try .named(backend), parameters: try Parameters(parsing: parameters),
      duration: .milliseconds(durationMs), exactSteps: steps,
      loadProcessor: Processors.pinMeasuredProcess())
    let values = try workload.measure(round)
    print(RoundOutput.text(workload.figures, values), terminator: "")
  }
}
