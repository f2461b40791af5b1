/// A program that does one round of a workload, and prints a line for each figure.
///
/// So far that is this program with one of its backends. One written in another language takes part
/// if it takes the same arguments and prints the same lines: a figure's number in the workload's
/// order is its line, "figure value", with a tab between.
struct Contender: Sendable {
  let name: String
  let executable: String
  /// What stands before a round's own arguments.
  let arguments: [String]

  init(_ backend: BackendUnderTest) {
    name = backend.name
    executable = "/proc/self/exe"
    arguments = ["round", "--backend", backend.name]
  }

  /// - Returns: A value for each of the workload's figures.
  func measure(_ workload: Workload, _ parameters: Parameters, _ duration: Duration) throws
    -> [Double]
  {
    let milliseconds = duration.nanoseconds / 1_000_000
    let child = try ChildProcess.start(
      executable,
      arguments + ["--workload", workload.name, "--duration-ms", "\(milliseconds)"]
        + parameters.arguments)
    let output = try child.outputOfSuccess(limit: duration * 10 + .seconds(60))
    return try RoundOutput.parse(output, workload.figures)
  }
}

/// What a round prints.
enum RoundOutput {
  static func text(_ figures: [Figure], _ values: [Double]) -> String {
    zip(figures, values).map { "\($0.name)\t\($1)\n" }.joined()
  }

  static func parse(_ text: String, _ figures: [Figure]) throws -> [Double] {
    let lines = text.split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false)
    }
    let values = lines.compactMap { $0.count == 2 ? Double($0[1]) : nil }
    guard values.count == figures.count, lines.map({ String($0[0]) }) == figures.map(\.name) else {
      throw BenchError("A round printed something else than its figures: \(text)")
    }
    return values
  }
}
