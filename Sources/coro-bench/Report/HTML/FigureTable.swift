/// Everything that the charts show, in digits.
enum FigureTable {
  static func markup(_ report: Report, _ comparisons: [Comparison]) -> Markup {
    let rows = comparisons.flatMap { comparison in
      comparison.results.map { row($0, comparison, report) }
    }
    return """
      <details><summary>All figures as a table</summary><div class="scroll"><table>
      <thead><tr><th scope="col">contender</th><th scope="col">workload</th>\
      <th scope="col">case</th><th scope="col">figure</th>\
      <th scope="col" class="number">median</th><th scope="col" class="number">least</th>\
      <th scope="col" class="number">greatest</th><th scope="col" class="number">rounds</th>\
      <th scope="col">ratio, 95 %</th></tr></thead>
      <tbody>
      \(rows.joined())
      </tbody></table></div></details>
      """
  }

  private static func row(
    _ result: Report.Result, _ comparison: Comparison, _ report: Report
  ) -> Markup {
    let style: Markup = report.isOurs(result.contender) ? #" class="ours""# : ""
    let numbers = [result.median, result.min, result.max].map { number($0) }.joined(separator: "")
    return """
      <tr\(style)><th scope="row">\(result.contender)</th><td>\(result.workload)</td>\
      <td>\(result.label)</td><td>\(comparison.figure.title)</td>\(numbers)\
      <td class="number">\(result.rounds.count)</td>\
      <td>\(ratio(report.ratio(of: result.contender, in: comparison)))</td></tr>
      """
  }

  private static func number(_ value: Double) -> Markup {
    #"<td class="number">\#(NumberText.text(value))</td>"#
  }

  private static func ratio(_ ratio: Report.Ratio?) -> String {
    guard let ratio else { return "" }
    let numbers = [ratio.ratio, ratio.low, ratio.high].map(NumberText.text)
    return "×\(numbers[0]) [\(numbers[1]), \(numbers[2])] against \(ratio.against)"
  }
}
