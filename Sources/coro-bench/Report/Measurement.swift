/// What the rounds of one case said: each figure's statistics for each contender.
struct Measurement {
  let workload: String
  let label: String
  let parameters: Parameters
  let figure: Figure
  /// In the order of the contenders; one whose rounds failed is missing.
  let results: [(contender: String, statistics: Statistics)]

  func statistics(of contender: String) -> Statistics? {
    results.first { $0.contender == contender }?.statistics
  }
}

/// Everything that a run of the command found out.
struct Report {
  let machine: Machine
  let contenders: [String]
  /// Contenders that this machine denies, with the reason.
  let denied: [(contender: String, reason: String)]
  let measurements: [Measurement]
}
