/// One figure of one case, side by side.
struct Comparison {
  let workload: String
  let label: String
  let figure: Figure
  /// In the order of measuring; whose rounds failed is missing.
  let results: [Report.Result]

  func result(of contender: String) -> Report.Result? {
    results.first { $0.contender == contender }
  }
}

extension Figure {
  /// More of it is better: everything else is a cost.
  var isRate: Bool { unit.hasSuffix("/s") }

  /// For a heading, as in "CPU, µs/request".
  var title: String { name.isEmpty ? unit : "\(name), \(unit)" }
}

extension Report {
  /// The results by case and figure, in the order in which they come.
  var comparisons: [Comparison] {
    struct Key: Hashable {
      let workload: String
      let label: String
      let figure: String
      let unit: String
    }
    var order: [Key] = []
    var groups: [Key: [Result]] = [:]
    for result in results {
      let key = Key(
        workload: result.workload, label: result.label, figure: result.figure, unit: result.unit)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(result)
    }
    return order.map { key in
      Comparison(
        workload: key.workload, label: key.label, figure: Figure(name: key.figure, unit: key.unit),
        results: groups[key] ?? [])
    }
  }

  /// A contender's ratio in a comparison, if it was made.
  func ratio(of contender: String, in comparison: Comparison) -> Ratio? {
    ratios.first {
      $0.contender == contender && $0.workload == comparison.workload
        && $0.label == comparison.label && $0.figure == comparison.figure.name
    }
  }

  func isOurs(_ contender: String) -> Bool {
    contenders.contains { $0.name == contender && $0.isOurs }
  }
}
