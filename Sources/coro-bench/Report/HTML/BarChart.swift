/// The contenders in one figure of one case, the best one on top: a bar for the median, a line from
/// the least round to the greatest, the median in digits, and the ratio to one of our backends.
///
/// Where they are too far apart for bars a dot on a logarithmic scale takes the bar's place, as a
/// bar has to begin at zero.
struct BarChart {
  /// Widths from left to right.
  struct Layout {
    let name = 138.0
    let bar: Double
    let value = 56.0
    let ratio: Double
    let rowHeight: Double
    let hasIntervals: Bool

    static let page = Layout(bar: 144, ratio: 120, rowHeight: 22, hasIntervals: true)
    static let summary = Layout(bar: 150, ratio: 54, rowHeight: 20, hasIntervals: false)

    /// There are two gaps of 8.
    var width: Double { name + bar + value + ratio + 16 }
  }

  struct Row {
    let result: Report.Result
    let isOurs: Bool
    let ratio: Report.Ratio?
    /// Whether the others' ratios are to this one.
    let isReference: Bool
  }

  /// Beyond this ratio of the medians a bar would be a sliver.
  private static let spreadOfBarsMax = 25.0
  /// What the axis takes below the rows.
  private static let axisHeight = 20.0

  let comparison: Comparison
  let rows: [Row]
  let layout: Layout
  private let scale: Scale

  init(_ comparison: Comparison, in report: Report, _ layout: Layout) {
    self.comparison = comparison
    self.layout = layout
    let ratios = comparison.results.map { report.ratio(of: $0.contender, in: comparison) }
    let reference = ratios.compactMap { $0?.against }.first
    let isRate = comparison.figure.isRate
    rows = zip(comparison.results, ratios).map { result, ratio in
      Row(
        result: result, isOurs: report.isOurs(result.contender), ratio: ratio,
        isReference: result.contender == reference)
    }.sorted { Self.badness($0, isRate) < Self.badness($1, isRate) }

    let values = rows.flatMap { [$0.result.min, $0.result.median, $0.result.max] }
    let positive = rows.map(\.result.median).filter { $0.isFinite && $0 > 0 }
    let spread = (positive.max() ?? 1) / (positive.min() ?? 1)
    let start = layout.name + 8
    scale = Scale(
      spread > Self.spreadOfBarsMax ? .logarithmic : .linear, covering: values, from: start,
      to: start + layout.bar)
  }

  var width: Double { layout.width }
  var height: Double { Double(rows.count) * layout.rowHeight + Self.axisHeight }
  var isLogarithmic: Bool { scale.kind == .logarithmic }

  /// All that it shows, in words.
  var description: String {
    rows.map { row in
      let result = row.result
      let range = "\(NumberText.text(result.min)) to \(NumberText.text(result.max))"
      return "\(result.contender): \(NumberText.text(result.median)) (\(range))"
    }.joined(separator: "; ")
  }

  func draw(into drawing: inout Drawing) {
    drawAxis(into: &drawing)
    for (index, row) in rows.enumerated() {
      let middle = (Double(index) + 0.5) * layout.rowHeight
      draw(row, at: middle, into: &drawing)
    }
  }

  /// What is no number comes last.
  private static func badness(_ row: Row, _ isRate: Bool) -> Double {
    let median = row.result.median
    return median.isFinite ? (isRate ? -median : median) : .infinity
  }

  private func drawAxis(into drawing: inout Drawing) {
    let bottom = Double(rows.count) * layout.rowHeight
    for tick in scale.ticks(3) {
      let x = scale.position(tick)
      drawing.line(Point(x: x, y: 0), Point(x: x, y: bottom + 3), "grid")
      drawing.text("\(NumberText.brief(tick))", at: Point(x: x, y: bottom + 15), "tick mid")
    }
  }

  private func draw(_ row: Row, at middle: Double, into drawing: inout Drawing) {
    let ours: Markup = row.isOurs ? " ours" : ""
    let baseline = middle + 4.5
    let name = NumberText.shortened(row.result.contender, to: 20)
    drawing.text("\(name)", at: Point(x: layout.name, y: baseline), "name end\(ours)")
    drawMark(row.result, at: middle, ours, into: &drawing)

    let valueEnd = scale.end + layout.value
    drawing.text(
      "\(NumberText.text(row.result.median))", at: Point(x: valueEnd, y: baseline),
      "value end\(ours)")
    drawing.text(ratioText(row), at: Point(x: valueEnd + 8, y: baseline), "ratio")
  }

  private func drawMark(
    _ result: Report.Result, at middle: Double, _ ours: Markup, into drawing: inout Drawing
  ) {
    guard result.median.isFinite else { return }
    let x = scale.position(result.median)
    if isLogarithmic {
      drawing.line(Point(x: scale.start, y: middle), Point(x: x, y: middle), "guide")
      drawing.append(#"<circle class="dot\#(ours)" cx="\#(x)" cy="\#(middle)" r="4.5"/>"#)
    } else {
      let (left, right) = (min(x, scale.position(0)), max(x, scale.position(0)))
      let half = layout.rowHeight * 0.34
      drawing.path(
        "M\(left) \(middle - half)H\(right)V\(middle + half)H\(left)Z", "bar\(ours)")
    }
    guard result.min.isFinite, result.max.isFinite else { return }
    let (low, high) = (scale.position(result.min), scale.position(result.max))
    drawing.path(
      "M\(low) \(middle - 4)v8m0 -4H\(high)m0 -4v8", "whisker\(ours)")
  }

  private func ratioText(_ row: Row) -> Markup {
    if row.isReference { return #"<tspan class="interval">×1</tspan>"# }
    guard let ratio = row.ratio else { return "" }
    let text: Markup = "×\(NumberText.text(ratio.ratio))"
    guard layout.hasIntervals else { return text }
    let interval = "[\(NumberText.text(ratio.low)), \(NumberText.text(ratio.high))]"
    return text + #" <tspan class="interval">\#(interval)</tspan>"#
  }
}
