import Glibc

/// How long answers took: the latency that so many of them did not exceed.
///
/// Both axes are logarithmic, the one across in the distance from 1, so that the slow hundredth and
/// the slow thousandth have as much room as the fast half.
struct LatencyChart {
  let workload: String
  let label: String
  let unit: String
  private let chart: CurveChart
  private let quantiles: [(contender: String, values: [(quantile: Double, value: Double)])]

  /// - Parameter latencies: Those of one case.
  /// - Returns: nil if there is no point to draw.
  init?(_ latencies: [Report.Latency], _ series: [Series]) {
    guard let first = latencies.first else { return nil }
    (workload, label, unit) = (first.workload, first.label, first.unit)
    let curves = latencies.compactMap { latency -> Curve? in
      let points = Self.points(latency)
      guard !points.isEmpty else { return nil }
      let known = series.first { $0.name == latency.contender }
      let other = Series(name: latency.contender, isOurs: false, index: series.count)
      return Curve(series: known ?? other, points: points)
    }
    if curves.isEmpty { return nil }
    let all = curves.flatMap(\.points)
    let x = Scale(
      .linear, fromValue: 0, toValue: max(2, all.map(\.x).max() ?? 2), from: CurveChart.left,
      to: CurveChart.right)
    let y = Scale(
      .logarithmic, covering: all.map(\.y), from: CurveChart.bottom, to: CurveChart.top)
    let isTime = first.unit == "µs"
    chart = CurveChart(
      curves: curves, x: x, y: y, xTicks: Self.ticks(upTo: x.high),
      yTicks: y.ticks(7).map {
        CurveChart.Tick(
          value: $0, text: isTime ? NumberText.microseconds($0) : NumberText.brief($0))
      },
      xTitle: "of all answers were at least as fast",
      yTitle: isTime ? "latency" : "latency, \(first.unit)", hasMarks: false)
    quantiles = latencies.map { ($0.contender, Self.read($0)) }
  }

  var image: Markup {
    var drawing = Drawing()
    chart.draw(into: &drawing)
    return drawing.image(
      width: CurveChart.width, height: CurveChart.height,
      title: "Latencies of \(workload), \(label)",
      description: quantiles.map { contender, values in
        let texts = values.map { "\(Self.percent($0.quantile)) \(NumberText.text($0.value))" }
        return "\(contender): \(texts.joined(separator: ", ")) \(unit)"
      }.joined(separator: "; "))
  }

  /// The same in digits.
  var table: Markup {
    let rows = quantiles.map { contender, values -> Markup in
      let cells = values.map { "<td>\(NumberText.text($0.value))</td>" as Markup }
      return #"<tr><th scope="row">\#(contender)</th>\#(cells.joined())</tr>"#
    }
    let heads = Self.shown.map { #"<th scope="col">\#(Self.percent($0))</th>"# as Markup }
    return """
      <table><caption>Latencies of \(workload), \(label), in \(unit)</caption>
      <thead><tr><th scope="col">contender</th>\(heads.joined())</tr></thead>
      <tbody>\(rows.joined())</tbody></table>
      """
  }

  private static let shown = [0.5, 0.9, 0.99, 0.999, 0.9999]

  /// The latency at each of `shown`; NaN where the distribution ends before.
  private static func read(_ latency: Report.Latency) -> [(quantile: Double, value: Double)] {
    shown.map { wanted in
      let point = latency.points.first { $0.quantile >= wanted - 1e-9 }
      return (wanted, point?.value ?? .nan)
    }
  }

  /// 0 at the start, 1 at 90 %, 2 at 99 %.
  private static func distance(_ quantile: Double) -> Double { -log10(1 - quantile) }

  private static func points(_ latency: Report.Latency) -> [Point] {
    latency.points.filter { (0..<1).contains($0.quantile) && $0.value.isFinite && $0.value > 0 }
      .map { Point(x: distance($0.quantile), y: $0.value) }
  }

  private static func ticks(upTo end: Double) -> [CurveChart.Tick] {
    [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999].filter { distance($0) <= end + 1e-6 }
      .map { CurveChart.Tick(value: distance($0), text: percent($0)) }
  }

  /// For an axis, as in "99.9 %".
  private static func percent(_ quantile: Double) -> String {
    "\(NumberText.brief(quantile * 100)) %"
  }
}
