/// A program that is measured: this one with one of its backends, or a peer.
///
/// What such a program has to do is written in Benchmarks/Peers/README.md.
struct Contender: Sendable {
  let facts: Report.ContenderFacts
  let executable: String
  /// What stands behind `round` or `serve` and what it is asked for.
  let lastArguments: [String]
  /// "round yield", "serve echo"; nil: whatever there is.
  let abilities: Set<String>?

  var name: String { facts.name }

  init(_ backend: BackendUnderTest) {
    facts = backend.facts
    executable = "/proc/self/exe"
    lastArguments = ["--backend", backend.name]
    abilities = nil
  }

  /// - Parameter list: What the peer prints when it is asked to `list`.
  init(peer name: String, executable: String, list: String) throws {
    let lines = list.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    guard let version = lines.first(where: { $0.first == "version" && $0.count == 2 })?[1] else {
      throw BenchError("'\(executable) list' tells no version.")
    }
    facts = Report.ContenderFacts(name: name, version: version, isOurs: false)
    self.executable = executable
    lastArguments = []
    abilities = Set(lines.filter { $0.count == 2 }.map { $0.joined(separator: " ") })
  }

  func can(_ workload: Workload) -> Bool {
    guard let abilities else { return true }
    return switch workload.measuring {
    case .round: abilities.contains("round \(workload.name)")
    case .service(let load): abilities.contains("serve \(load.service)")
    case .copy: abilities.contains("serve copy")
    }
  }

  /// One round of a workload.
  func measure(_ workload: Workload, _ parameters: Parameters, _ duration: Duration) throws
    -> RoundResult
  {
    switch workload.measuring {
    case .round:
      return RoundResult(
        values: try round(of: workload, parameters, duration), load: nil)
    case .service(let load):
      return try serve(load, parameters, duration)
    case .copy:
      return RoundResult(values: try copy(parameters, duration), load: nil)
    }
  }

  private func copy(_ parameters: Parameters, _ duration: Duration) throws -> [Double] {
    let arguments =
      ["serve", "copy"] + lastArguments + ["--size", "\(try parameters.number("size"))"]
    let load = try Processors.pinned(to: .measured) {
      try CopyLoad(executable, arguments, limit: duration * 10 + .seconds(60))
    }
    return try Processors.pinned(to: .load) { try load.run(duration: duration).figures }
  }

  /// - Returns: A value for each of the workload's figures.
  private func round(of workload: Workload, _ parameters: Parameters, _ duration: Duration) throws
    -> [Double]
  {
    let milliseconds = duration.nanoseconds / 1_000_000
    let arguments =
      ["round", "--workload", workload.name, "--duration-ms", "\(milliseconds)"] + lastArguments
      + parameters.arguments
    func output() throws -> String {
      let child = try Processors.pinned(to: .measured) {
        try ChildProcess.start(executable, arguments)
      }
      return try child.outputOfSuccess(limit: duration * 10 + .seconds(120))
    }
    let needsGroup = workload.figures.contains { $0.name == "group" }
    let output = try needsGroup ? MemoryGroup.using(output) : output()
    return try RoundOutput.parse(output, workload.figures)
  }
}

/// What came of one round.
struct RoundResult {
  /// One for each of the workload's figures.
  let values: [Double]
  /// What the load generator found, if there was one.
  let load: LoadResult?
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
