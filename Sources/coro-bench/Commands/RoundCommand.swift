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
    guard case .round(let measure) = workload.measuring else {
      throw BenchError("\(workload.name) needs a server and a load: see 'coro-bench run'.")
    }
    DescriptorLimit.raise()
    let round = Round(
      backend: try .named(backend), parameters: try Parameters(parsing: parameters),
      duration: .milliseconds(durationMs), exactSteps: steps)
    let values = try measure(round)
    print(RoundOutput.text(workload.figures, values), terminator: "")
  }
}
