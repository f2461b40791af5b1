/// One thing that is measured, in one or more cases, each of which yields the same figures.
struct Workload: Sendable {
  let name: String
  /// One line, for `list`.
  let summary: String
  /// What a round measures; the first one is the point of it.
  let figures: [Figure]
  /// What there is to measure with these settings.
  let cases: @Sendable (Settings) -> [Case]
  let measuring: Measuring

  /// How a round goes.
  enum Measuring: Sendable {
    /// In a process of its own, which prints a value for each of the figures. This is what our own
    /// does there.
    case round(@Sendable (Round) throws -> [Double])
    /// The contender serves in one process, and `coro-bench load` loads it from another.
    case service(ServiceLoad)
    /// The contender copies its standard input to its standard output, and the runner is the load.
    case copy
  }

  private init(
    name: String, summary: String, figures: [Figure], measuring: Measuring,
    cases: @escaping @Sendable (Settings) -> [Case]
  ) {
    self.name = name
    self.summary = summary
    self.figures = figures
    self.cases = cases
    self.measuring = measuring
  }

  /// A workload that our own program measures in one process.
  init(
    name: String, summary: String, figures: [Figure],
    cases: @escaping @Sendable (Settings) -> [Case],
    measure: @escaping @Sendable (Round) throws -> [Double]
  ) {
    self.init(
      name: name, summary: summary, figures: figures, measuring: .round(measure), cases: cases)
  }

  /// A workload of a server and a load.
  init(
    name: String, summary: String, load: ServiceLoad,
    cases: @escaping @Sendable (Settings) -> [Case]
  ) {
    self.init(
      name: name, summary: summary, figures: load.figures, measuring: .service(load), cases: cases)
  }

  /// What moves much from one descriptor to another: system calls that take long, and few waits.
  static let copy = Workload(
    name: "copy",
    summary: "standard input to standard output, --size at a time, fed on another core",
    figures: [Figure(name: "CPU", unit: "ns/KiB"), Figure(name: "rate", unit: "MiB/s")],
    measuring: .copy
  ) { settings in
    let size = settings.size ?? 65_536
    return [Case(label: "\(size) B", parameters: Parameters(["size": "\(size)"]))]
  }

  static let all: [Workload] = [
    .switch, .yield, .spawn, .spawnMany, .memory, .timers, .pending, .overshoot, .pipe, .copy,
    .socket, .signal, .echoUnix, .echoTCP, .stream, .exchange, .datagram, .mixed, .threads,
  ]

  /// The workload of this name.
  ///
  /// - Throws: A `BenchError` with the names that there are.
  static func named(_ name: String) throws -> Workload {
    if let found = all.first(where: { $0.name == name }) { return found }
    let known = all.map(\.name).joined(separator: ", ")
    throw BenchError("There is no workload '\(name)'. There are: \(known).")
  }
}

/// Something that comes out of a round.
struct Figure: Sendable, Equatable {
  /// What it is, if the workload's name does not say it: "CPU".
  let name: String
  /// "ns", "µs/request".
  let unit: String
}

/// A workload with its parameters given.
struct Case: Sendable, Equatable {
  /// What tells it from the workload's other cases, for people: "50 × 64 B".
  let label: String
  let parameters: Parameters
}

/// What the command line asks for; nil where it says nothing.
struct Settings: Sendable {
  var connections: Int?
  var size: Int?
  var count: Int?
  /// Fewer cases, for a first look.
  var isQuick = false
}

/// What one round is given.
struct Round: Sendable {
  let backend: BackendUnderTest
  let parameters: Parameters
  /// How long it should measure, about.
  let duration: Duration
  /// Do so many steps and no others, however long they take: for who counts instructions, and
  /// subtracts what fewer steps cost.
  var exactSteps: Int?
}

/// A failure, said in a sentence.
struct BenchError: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
