/// A few figures of a report in one image, for somebody's README.
struct SummaryChart {
  /// What is more is no longer compact.
  static let byteCountMax = 20 * 1024

  private static let gap = 28.0
  private static let titleHeight = 24.0

  let report: Report
  private let charts: [BarChart]

  /// - Parameter names: Workloads, all of whose cases are shown, or `WORKLOAD/CASE`; of each case
  ///   the first figure.
  /// - Throws: A `BenchError` if there is nothing of a name.
  init(_ report: Report, _ names: [String]) throws {
    self.report = report
    let comparisons = report.comparisons
    charts = try names.flatMap { name in
      try Self.comparisons(name, comparisons).map { BarChart($0, in: report, .summary) }
    }
  }

  /// - Throws: A `BenchError` if it is too large.
  func svg() throws -> String {
    var drawing = Drawing()
    let columns = min(2, charts.count)
    var (x, y, rowHeight) = (0.0, 0.0, 0.0)
    for (index, chart) in charts.enumerated() {
      if index % columns == 0 {
        (x, y, rowHeight) = (0, y + rowHeight, 0)
      }
      drawing.group(#"transform="translate(\#(x) \#(y))""#) { Self.draw(chart, into: &$0) }
      x += chart.width + Self.gap
      rowHeight = max(rowHeight, Self.titleHeight + chart.height + 12)
    }
    let width = (BarChart.Layout.summary.width + Self.gap) * Double(columns) - Self.gap
    let bottom = y + rowHeight
    let lines = sources(areApart: columns == 1)
    for (number, line) in lines.enumerated() {
      drawing.text("\(line)", at: Point(x: 0, y: bottom + 12 + Double(number) * 15), "tick")
    }
    let image = drawing.image(
      width: width, height: bottom + Double(lines.count) * 15 + 2, title: title,
      description: charts.map { "\(Self.title($0)): \($0.description)" }.joined(separator: ". "),
      style: ChartStyle.anywhere.bars)
    guard image.text.utf8.count <= Self.byteCountMax else {
      throw BenchError(
        "The chart would have \(image.text.utf8.count) bytes, of which \(Self.byteCountMax) are "
          + "permitted: name fewer workloads, or cases as WORKLOAD/CASE.")
    }
    return image.text + "\n"
  }

  private static func comparisons(_ name: String, _ all: [Comparison]) throws -> [Comparison] {
    let chosen = all.filter { $0.workload == name || "\($0.workload)/\($0.label)" == name }
    guard let figure = chosen.first?.figure else {
      var known: [String] = []
      for comparison in all where !known.contains(comparison.workload) {
        known.append(comparison.workload)
      }
      throw BenchError(
        "The report has no workload '\(name)'. It has: \(known.joined(separator: ", ")).")
    }
    return chosen.filter { $0.figure == figure }
  }

  private static func draw(_ chart: BarChart, into drawing: inout Drawing) {
    let unit = chart.comparison.figure.title + (chart.isLogarithmic ? ", logarithmic" : "")
    let head = [chart.comparison.workload, chart.comparison.label].filter { !$0.isEmpty }
    drawing.text(
      "<tspan font-weight=\"700\">\(head.joined(separator: ", "))</tspan> \(unit)",
      at: Point(x: 0, y: 14), "title")
    drawing.group(#"transform="translate(0 \#(titleHeight))""#) { chart.draw(into: &$0) }
  }

  private static func title(_ chart: BarChart) -> String {
    "\(chart.comparison.workload), \(chart.comparison.label), \(chart.comparison.figure.title)"
  }

  private var title: String {
    "Medians of \(charts.map { $0.comparison.workload }.joined(separator: ", "))"
  }

  private func sources(areApart: Bool) -> [String] {
    let hint =
      charts.contains { $0.comparison.figure.isRate }
      ? "less is better, except for rates" : "less is better"
    let reading =
      "Medians, from least to greatest round; ×: mean ratio of the rounds to ×1; \(hint)."
    let origin = [
      report.machine.processor, report.machine.kernel, String(report.date.prefix(10)),
    ].filter { !$0.isEmpty }.joined(separator: ", ")
    return areApart ? [reading, origin] : ["\(reading) \(origin)"]
  }
}
