/// One thing that is measured, in one or more cases, each of which yields the same figures.
struct Workload: Sendable {
  let name: String
  /// One line, for `list`.
  let summary: String
  /// What a round measures; the first one is the point of it.
  let figures: [Figure]
  /// What there is to measure with these settings.
  let cases: @Sendable (Settings) -> [Case]
  /// Does one round, in a process of its own; a value for each of `figures` comes out.
  let measure: @Sendable (Round) throws -> [Double]

  static let all: [Workload] = [
    .switch, .yield, .spawn, .spawnMany, .timers, .pending, .overshoot, .pipe, .copy, .socket,
    .signal, .echoUnix, .echoTCP, .memory,
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
  /// The processor that is left for whoever loads the measured process.
  let loadProcessor: CInt?
}

/// A failure, said in a sentence.
struct BenchError: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
