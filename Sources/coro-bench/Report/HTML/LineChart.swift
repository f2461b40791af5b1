/// What a request costs by the number of connections, where there are three numbers or more.
struct LineChart {
  let figure: Figure
  /// What does not change: "size = 64".
  let condition: String
  private let workload: String
  private let chart: CurveChart

  /// The charts that a workload's first figure gives, one for each set of its other parameters.
  static func all(_ comparisons: [Comparison], _ series: [Series]) -> [LineChart] {
    guard let figure = comparisons.first?.figure else { return [] }
    let results = comparisons.filter { $0.figure == figure }.flatMap(\.results)
    var conditions: [[String: ParameterValue]] = []
    for result in results {
      let others = self.others(result)
      if !conditions.contains(others) { conditions.append(others) }
    }
    return conditions.compactMap { condition in
      LineChart(results.filter { others($0) == condition }, figure, condition, series)
    }
  }

  private init?(
    _ results: [Report.Result], _ figure: Figure, _ condition: [String: ParameterValue],
    _ series: [Series]
  ) {
    let counts = Set(results.compactMap(Self.connections)).sorted()
    let curves = series.compactMap { series -> Curve? in
      let points = results.filter { $0.contender == series.name && $0.median.isFinite }
        .compactMap { result in Self.connections(result).map { Point(x: $0, y: result.median) } }
        .sorted { $0.x < $1.x }
      return points.isEmpty ? nil : Curve(series: series, points: points)
    }
    guard counts.count >= 3, let fewest = counts.first, let most = counts.last, !curves.isEmpty
    else { return nil }
    let values = curves.flatMap { $0.points.map(\.y) }
    // Lines need no zero, so that a logarithmic scale parts them earlier than it replaces bars.
    let isWide = values.allSatisfy { $0 > 0 } && (values.max() ?? 1) > 8 * (values.min() ?? 1)
    let y = Scale(
      isWide ? .logarithmic : .linear, covering: values, from: CurveChart.bottom,
      to: CurveChart.top)
    self.figure = figure
    workload = results.first?.workload ?? ""
    self.condition = condition.map { name, value in
      switch value {
      case .number(let number): "\(name) = \(number)"
      case .text(let text): "\(name) = \(text)"
      }
    }.sorted().joined(separator: ", ")
    chart = CurveChart(
      curves: curves,
      x: Scale(
        .logarithmic, fromValue: fewest, toValue: most, from: CurveChart.left + 8,
        to: CurveChart.right - 4),
      y: y, xTicks: counts.map { CurveChart.Tick(value: $0, text: NumberText.brief($0)) },
      yTicks: y.ticks(5).map { CurveChart.Tick(value: $0, text: NumberText.brief($0)) },
      xTitle: "connections, logarithmic",
      yTitle: isWide ? "\(figure.title), logarithmic" : figure.title, hasMarks: true)
  }

  var image: Markup {
    var drawing = Drawing()
    chart.draw(into: &drawing)
    return drawing.image(
      width: CurveChart.width, height: CurveChart.height,
      title: "\(workload): \(figure.title) by connections, \(condition)",
      description: chart.curves.map { curve in
        let values = curve.points.map {
          "\(NumberText.text($0.y)) at \(NumberText.brief($0.x))"
        }
        return "\(curve.series.name): \(values.joined(separator: ", "))"
      }.joined(separator: "; "))
  }

  private static func connections(_ result: Report.Result) -> Double? {
    guard case .number(let count) = result.parameters["connections"], count > 0 else { return nil }
    return Double(count)
  }

  private static func others(_ result: Report.Result) -> [String: ParameterValue] {
    result.parameters.filter { $0.key != "connections" }
  }
}
