import ArgumentParser

/// What is measured, and how: common to `run` and `compare`.
struct MeasuringOptions: ParsableArguments {
  @Argument(help: "What to measure; everything by default. See 'coro-bench list'.")
  var workloads: [String] = []

  @Option(help: "The backends to compare, with commas: \(BackendUnderTest.names).")
  var backend: String?

  @Option(help: "Connections of the workloads that serve.")
  var connections: Int?

  @Option(help: "Bytes of a message of the workloads that send some.")
  var size: Int?

  @Option(
    help: """
      Coroutines of the yield, spawn-many, timers, pending and memory workloads, pairs of the \
      socket one.
      """)
  var count: Int?

  @Option(help: "Rounds of each case for each contender (default: 5, or 3 with --quick).")
  var rounds: Int?

  @Option(help: "Seconds that a round measures (default: 0.5, or 0.2 with --quick).")
  var duration: Double?

  @Flag(help: "Fewer cases, fewer and shorter rounds, for a first look.")
  var quick = false

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  @Option(help: "Write the JSON to this file too, for 'coro-bench report'.")
  var output: String?

  @Flag(help: "Say on standard error how far it is, even if that is no terminal.")
  var progress = false

  @Flag(
    help: """
      Count system calls, too, of what serves connections, in one more round of each; that needs \
      root, and a kernel with tracepoints.
      """)
  var calls = false

  @Flag(help: "Fail if somebody is missing, rather than leave them out.")
  var requireAll = false

  func validate() throws {
    _ = try chosenWorkloads()
    _ = try chosenBackends()
    let numbers = [
      ("--connections", connections), ("--size", size), ("--count", count), ("--rounds", rounds),
    ]
    for (name, value) in numbers {
      if let value, value < 1 { throw ValidationError("\(name) must be at least 1.") }
    }
    if let count, count > 1_000_000 { throw ValidationError("--count must be at most 1000000.") }
    if calls { try validated { _ = try SystemCallCounter.tracepoint } }
    if let duration, !(0.01...3600).contains(duration) {
      throw ValidationError("--duration must lie between 0.01 and 3600 seconds.")
    }
  }

  private func chosenWorkloads() throws -> [Workload] {
    if workloads.isEmpty { return Workload.all }
    return try workloads.map { name in try validated { try Workload.named(name) } }
  }

  private func chosenBackends() throws -> [BackendUnderTest] {
    guard let backend else { return BackendUnderTest.all }
    let names = backend.split(separator: ",").map(String.init)
    guard !names.isEmpty else { throw ValidationError("--backend names no backend.") }
    return try names.map { name in try validated { try BackendUnderTest.named(name) } }
  }

  /// Measures our backends and `peers`, and prints what came of it.
  ///
  /// - Parameter missing: Peers that are not there, with the reason.
  func measure(beside peers: [Contender] = [], missing: [Report.Missing] = []) throws {
    #if DEBUG
      StandardError.write("This is a debug build: its figures say nothing. Use -c release.\n")
    #endif
    let (date, machine) = (Report.timestamp(), Machine.this)
    var permitted: [BackendUnderTest] = []
    var missing = missing
    for backend in try chosenBackends() {
      if let reason = backend.reasonForDenial() {
        missing.append(Report.Missing(contender: backend.name, reason: reason))
      } else {
        permitted.append(backend)
      }
    }
    for one in missing { StandardError.write("\(one.contender) is left out: \(one.reason)\n") }
    if permitted.isEmpty { throw ExitCode.failure }

    let settings = Settings(connections: connections, size: size, count: count, isQuick: quick)
    let cases = try chosenWorkloads().flatMap { workload in
      workload.cases(settings).map { (workload: workload, case: $0) }
    }
    let session = Session(
      contenders: permitted.map { Contender($0) } + peers, rounds: rounds ?? (quick ? 3 : 5),
      duration: .seconds(duration ?? (quick ? 0.2 : 0.5)), countsCalls: calls,
      progress: Progress(isForced: progress))
    DescriptorLimit.raise()
    let findings = session.run(cases)
    let report = Report(
      command: Report.commandLine(Array(CommandLine.arguments.dropFirst())), date: date,
      machine: machine, contenders: session.contenders.map(\.facts), missing: missing,
      measurements: findings.measurements, latencies: findings.latencies, notes: findings.notes)
    let text = try report.json()
    if let output { try TextFile.write(text + "\n", to: output) }
    print(json ? text : report.table)
    for failure in findings.failures { StandardError.write("\(failure)\n") }
    if !findings.failures.isEmpty || (requireAll && !missing.isEmpty) { throw ExitCode.failure }
  }
}

/// Makes a `BenchError` one that shows how the command is used.
func validated<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as BenchError {
    throw ValidationError(error.description)
  }
}
