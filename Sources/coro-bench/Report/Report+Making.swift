extension Report {
  /// Makes a report of what a session measured, and compares everybody with one of our backends.
  ///
  /// - Parameters:
  ///   - command: The command line.
  ///   - date: When it began, by `timestamp()`.
  ///   - machine: As it was when it began.
  ///   - contenders: Who was measured, in the order in which to name them.
  ///   - missing: Who was not.
  ///   - measurements: Round i of each contender was measured next to round i of the others.
  init(
    command: String, date: String, machine: Machine, contenders: [ContenderFacts],
    missing: [Missing], measurements: [Measurement], latencies: [Latency] = [], notes: [Note] = []
  ) {
    let ours = Set(contenders.filter(\.isOurs).map(\.name))
    self.init(
      version: Self.currentVersion, command: command, date: date, machine: machine,
      contenders: contenders, missing: missing,
      results: measurements.flatMap(Self.results),
      ratios: measurements.flatMap { Self.ratios($0, ours: ours) },
      latencies: latencies, notes: notes)
  }

  /// A command line as a shell would read it.
  static func commandLine(_ arguments: [String]) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.,:/@+%")
    let words = arguments.map { word in
      if !word.isEmpty, word.allSatisfy(plain.contains) { return word }
      return "'"
        + word.split(separator: "'", omittingEmptySubsequences: false)
        .joined(separator: #"'\''"#) + "'"
    }
    return (["coro-bench"] + words).joined(separator: " ")
  }

  private static func results(_ measurement: Measurement) -> [Result] {
    let parameters = measurement.parameters.pairs.map { ($0.name, ParameterValue($0.value)) }
    return measurement.results.map { contender, statistics in
      Result(
        workload: measurement.workload, label: measurement.label,
        parameters: Dictionary(parameters, uniquingKeysWith: { $1 }),
        figure: measurement.figure.name, unit: measurement.figure.unit, contender: contender,
        rounds: statistics.rounds, median: statistics.median, min: statistics.min,
        max: statistics.max)
    }
  }

  /// To the last of our backends that was measured there: io_uring, where it is to be had.
  ///
  /// Fixed in advance: whoever divides by the better of two figures that drift flatters himself.
  private static func ratios(_ measurement: Measurement, ours: Set<String>) -> [Ratio] {
    guard let reference = measurement.results.last(where: { ours.contains($0.contender) }) else {
      return []
    }
    return measurement.results.compactMap { contender, statistics in
      guard contender != reference.contender,
        let ratio = PairedRatio(statistics.rounds, over: reference.statistics.rounds)
      else { return nil }
      return Ratio(
        workload: measurement.workload, label: measurement.label,
        figure: measurement.figure.name, contender: contender, against: reference.contender,
        ratio: ratio.ratio, low: ratio.low, high: ratio.high)
    }
  }
}
