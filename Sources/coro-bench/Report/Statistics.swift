/// What several rounds of one figure say.
struct Statistics: Equatable {
  let rounds: [Double]
  let median: Double
  let min: Double
  let max: Double

  /// - Parameter rounds: At least one value, in the order of measuring.
  init(_ rounds: [Double]) {
    let sorted = rounds.sorted()
    guard let first = sorted.first, let last = sorted.last else {
      fatalError("There are no statistics of nothing.")
    }
    self.rounds = rounds
    min = first
    max = last
    let middle = sorted.count / 2
    median =
      sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}
