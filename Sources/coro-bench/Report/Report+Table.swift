extension Report {
  /// For a terminal of 100 columns, where there are at most two contenders.
  var table: String {
    var header = ["workload", "case", "figure"]
    var alignments: [Table.Alignment] = [.left, .left, .left]
    for contender in contenders {
      header += [contender, "min–max"]
      alignments += [.right, .left]
    }
    if comparesTwo {
      header.append("ratio")
      alignments.append(.right)
    }
    var table = Table(header, alignments)
    var previous: Measurement?
    for measurement in measurements {
      table.append(row(measurement, after: previous))
      previous = measurement
    }
    let footnote =
      comparesTwo
      ? ["Medians. ratio = \(contenders[1]) / \(contenders[0]). \(hint)"] : ["Medians. \(hint)"]
    return ([machineLine] + table.lines + footnote).joined(separator: "\n")
  }

  private var hint: String { "Less is better, except for rates (…/s)." }

  private var comparesTwo: Bool { contenders.count == 2 }

  private var machineLine: String {
    "\(machine.kernel), \(machine.processor), \(machine.cores) core\(machine.cores == 1 ? "" : "s")"
  }

  private func row(_ measurement: Measurement, after previous: Measurement?) -> [String] {
    let figure = measurement.figure
    let isSameWorkload = previous?.workload == measurement.workload
    let isSameCase = isSameWorkload && previous?.label == measurement.label
    var cells = [
      isSameWorkload ? "" : measurement.workload,
      isSameCase ? "" : measurement.label,
      figure.name.isEmpty ? figure.unit : "\(figure.name) \(figure.unit)",
    ]
    for contender in contenders {
      guard let statistics = measurement.statistics(of: contender) else {
        cells += ["failed", ""]
        continue
      }
      let range = "\(NumberText.text(statistics.min))–\(NumberText.text(statistics.max))"
      cells += [NumberText.text(statistics.median), range]
    }
    if comparesTwo { cells.append(ratio(measurement)) }
    return cells
  }

  private func ratio(_ measurement: Measurement) -> String {
    guard let base = measurement.statistics(of: contenders[0]),
      let other = measurement.statistics(of: contenders[1]), base.median > 0
    else { return "" }
    return NumberText.fixed(other.median / base.median, digits: 2)
  }
}
