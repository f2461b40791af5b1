extension Report {
  /// For a terminal of 100 columns.
  var table: String {
    let areBackends = contenders.count <= 2 && contenders.allSatisfy(\.isOurs)
    let lines = areBackends ? columnForEach : lineForEach
    let remarks =
      missing.map { "\($0.contender) is missing: \($0.reason)" }
      + notes.map { note in
        [note.workload, note.label, note.contender].filter { !$0.isEmpty }.joined(separator: ", ")
          + ": " + note.text
      }
    return ([machineLine] + lines + remarks).joined(separator: "\n")
  }

  /// A line for each contender, compared with one of our backends.
  private var lineForEach: [String] {
    var table = Table(
      ["workload", "case", "contender", "median", "min–max", "ratio", "95 %"],
      [.left, .left, .left, .right, .left, .right, .left])
    var previous: Comparison?
    for comparison in comparisons {
      let isSameWorkload = previous?.workload == comparison.workload
      let isSameCase = isSameWorkload && previous?.label == comparison.label
      table.append(
        [
          isSameWorkload ? "" : comparison.workload, isSameCase ? "" : comparison.label,
          "[\(comparison.figure.title)]", "", "", "", "",
        ])
      for result in comparison.results {
        let ratio = ratio(of: result.contender, in: comparison)
        table.append(
          [
            "", "", result.contender, NumberText.text(result.median),
            "\(NumberText.text(result.min))–\(NumberText.text(result.max))",
            ratio.map { NumberText.fixed($0.ratio, digits: 2) } ?? "",
            ratio.map {
              "\(NumberText.fixed($0.low, digits: 2))–\(NumberText.fixed($0.high, digits: 2))"
            } ?? "",
          ])
      }
      previous = comparison
    }
    let footnote =
      "Medians. ratio: the mean of the rounds' ratios to our backend without one, and its interval."
    return table.lines + [footnote, hint]
  }

  /// A column for each of one or two contenders.
  private var columnForEach: [String] {
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
      ? ["Medians, and their ratio \(contenders[1].name) / \(contenders[0].name). \(hint)"]
      : ["Medians. \(hint)"]
    return table.lines + footnote
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
