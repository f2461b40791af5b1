extension Report {
  /// For a terminal of 100 columns, where there are at most two contenders.
  var table: String {
    var header = ["workload", "case", "figure"]
    var alignments: [Table.Alignment] = [.left, .left, .left]
    for contender in contenders {
      header += [contender.name, "min–max"]
      alignments += [.right, .left]
    }
    if comparesTwo {
      header.append("ratio")
      alignments.append(.right)
    }
    var table = Table(header, alignments)
    var previous: Comparison?
    for comparison in comparisons {
      table.append(row(comparison, after: previous))
      previous = comparison
    }
    let footnote =
      comparesTwo
      ? ["Medians. ratio = \(contenders[1].name) / \(contenders[0].name). \(hint)"]
      : ["Medians. \(hint)"]
    return ([machineLine] + table.lines + footnote).joined(separator: "\n")
  }

  private var hint: String { "Less is better, except for rates (…/s)." }

  private var comparesTwo: Bool { contenders.count == 2 }

  private var machineLine: String {
    "\(machine.kernel), \(machine.processor), \(machine.cores) core\(machine.cores == 1 ? "" : "s")"
  }

  private func row(_ comparison: Comparison, after previous: Comparison?) -> [String] {
    let figure = comparison.figure
    let isSameWorkload = previous?.workload == comparison.workload
    let isSameCase = isSameWorkload && previous?.label == comparison.label
    var cells = [
      isSameWorkload ? "" : comparison.workload,
      isSameCase ? "" : comparison.label,
      figure.name.isEmpty ? figure.unit : "\(figure.name) \(figure.unit)",
    ]
    for contender in contenders {
      guard let result = comparison.result(of: contender.name) else {
        cells += ["failed", ""]
        continue
      }
      let range = "\(NumberText.text(result.min))–\(NumberText.text(result.max))"
      cells += [NumberText.text(result.median), range]
    }
    if comparesTwo { cells.append(ratio(comparison)) }
    return cells
  }

  private func ratio(_ comparison: Comparison) -> String {
    guard let base = comparison.result(of: contenders[0].name),
      let other = comparison.result(of: contenders[1].name), base.median > 0
    else { return "" }
    return NumberText.fixed(other.median / base.median, digits: 2)
  }
}
