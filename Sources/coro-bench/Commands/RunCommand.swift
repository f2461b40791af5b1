import ArgumentParser

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Measures workloads on each backend and compares them.",
    discussion: """
      Each round is a process of its own, pinned to one core; the backends take turns. The table \
      shows medians of the rounds with their extremes. Times are CPU time, of the program and of \
      the kernel for it, so that other programs disturb little; latencies are time on the wall.

      With --json everything is printed for a program to read, and for 'coro-bench report': \
      {"results": [{workload, label, parameters, figure, unit, contender, rounds, median, min, \
      max}], "ratios": [{workload, label, figure, contender, against, ratio, low, high}], and \
      the machine, the contenders and who is missing.
      """)

  @Argument(help: "What to measure; everything by default. See 'coro-bench list'.")
  var workloads: [String] = []

  @Option(help: "The backends to compare, with commas: \(BackendUnderTest.names).")
  var backend: String?

  @Option(help: "Connections of the echo workloads.")
  var connections: Int?

  @Option(help: "Bytes of a message of the echo, pipe and socket workloads, of a read of copy.")
  var size: Int?

  @Option(
    help: """
      Coroutines of the yield, spawn-many, timers, pending and memory workloads, pairs of the \
      socket one.
      """)
  var count: Int?

  @Option(help: "Rounds of each case on each backend (default: 5, or 3 with --quick).")
  var rounds: Int?

  @Option(help: "Seconds that a round measures (default: 0.5, or 0.2 with --quick).")
  var duration: Double?

  @Flag(help: "Fewer cases, fewer and shorter rounds: less than a minute for everything.")
  var quick = false

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  @Flag(help: "Say on standard error how far it is, even if that is no terminal.")
  var progress = false

  @Flag(help: "Fail if this machine denies a backend, rather than leave it out.")
  var requireBackends = false

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

  func run() throws {
    #if DEBUG
      StandardError.write("This is a debug build: its figures say nothing. Use -c release.\n")
    #endif
    let (date, machine) = (Report.timestamp(), Machine.this)
    var permitted: [BackendUnderTest] = []
    var denied: [Report.Missing] = []
    for backend in try chosenBackends() {
      if let reason = backend.reasonForDenial() {
        denied.append(Report.Missing(contender: backend.name, reason: reason))
        StandardError.write("\(backend.name) is left out: \(reason)\n")
      } else {
        permitted.append(backend)
      }
    }
    if permitted.isEmpty { throw ExitCode.failure }

    let settings = Settings(connections: connections, size: size, count: count, isQuick: quick)
    let cases = try chosenWorkloads().flatMap { workload in
      workload.cases(settings).map { (workload: workload, case: $0) }
    }
    let session = Session(
      contenders: permitted.map { Contender($0) }, rounds: rounds ?? (quick ? 3 : 5),
      duration: .seconds(duration ?? (quick ? 0.2 : 0.5)), progress: Progress(isForced: progress))
    let (measurements, failures) = session.run(cases)
    let report = Report(
      command: Report.commandLine(Array(CommandLine.arguments.dropFirst())), date: date,
      machine: machine, contenders: permitted.map(\.facts), missing: denied,
      measurements: measurements)
    print(try json ? report.json() : report.table)
    for failure in failures { StandardError.write("\(failure)\n") }
    if !failures.isEmpty || (requireBackends && !denied.isEmpty) { throw ExitCode.failure }
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
