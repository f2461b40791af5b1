/// One contender's line in a chart.
struct Curve {
  let series: Series
  /// From left to right, by their values.
  let points: [Point]
}

/// Who is drawn how: the same in every chart of a page.
struct Series {
  let name: String
  let isOurs: Bool
  /// Its number among ours, or among the others.
  let index: Int

  static let oursCount = 2
  static let othersCount = 8

  /// "o0" for ours, "p0" for others; beyond the palette colours come again, with other marks.
  var style: Markup {
    isOurs ? "o\(index % Self.oursCount)" : "p\(index % Self.othersCount)"
  }

  static func all(of report: Report) -> [Series] {
    var counts = [true: 0, false: 0]
    return report.contenders.map { contender in
      defer { counts[contender.isOurs, default: 0] += 1 }
      return Series(
        name: contender.name, isOurs: contender.isOurs, index: counts[contender.isOurs, default: 0])
    }
  }
}

/// Lines with their names at their ends.
struct CurveChart {
  static let width = 470.0
  static let height = 310.0
  /// The area between the axes.
  static let left = 52.0
  static let right = 324.0
  static let top = 26.0
  static let bottom = 262.0

  struct Tick {
    let value: Double
    let text: String
  }

  let curves: [Curve]
  let x: Scale
  let y: Scale
  let xTicks: [Tick]
  let yTicks: [Tick]
  let xTitle: String
  let yTitle: String
  /// Whether the points are marked, as where lines between them are but a help for the eye.
  let hasMarks: Bool

  func draw(into drawing: inout Drawing) {
    drawAxes(into: &drawing)
    // Ours last, above the others.
    for curve in curves.filter({ !$0.series.isOurs }) + curves.filter(\.series.isOurs) {
      draw(curve, into: &drawing)
    }
    drawNames(into: &drawing)
  }

  private func drawAxes(into drawing: inout Drawing) {
    for tick in yTicks {
      let height = y.position(tick.value)
      drawing.line(Point(x: Self.left, y: height), Point(x: Self.right, y: height), "grid")
      drawing.text("\(tick.text)", at: Point(x: Self.left - 6, y: height + 4), "tick end")
    }
    var free = -Double.infinity
    for tick in xTicks {
      let place = x.position(tick.value)
      drawing.line(Point(x: place, y: Self.bottom), Point(x: place, y: Self.bottom + 5), "axis")
      let half = Double(tick.text.count) * 3.3
      if place - half < free { continue }
      free = place + half + 4
      drawing.text("\(tick.text)", at: Point(x: place, y: Self.bottom + 19), "tick mid")
    }
    drawing.line(
      Point(x: Self.left, y: Self.bottom), Point(x: Self.right, y: Self.bottom), "axis")
    drawing.text("\(yTitle)", at: Point(x: 0, y: 12), "tick")
    drawing.text("\(xTitle)", at: Point(x: Self.right, y: Self.bottom + 40), "tick end")
  }

  private func draw(_ curve: Curve, into drawing: inout Drawing) {
    let points = curve.points.map(place)
    let emphasis: Markup = curve.series.isOurs ? " strong" : ""
    drawing.curve(points, "curve \(curve.series.style)\(emphasis)")
    guard hasMarks else { return }
    for point in points {
      drawing.path(Self.mark(curve.series.index, point), "mark \(curve.series.style)")
    }
  }

  /// A shape for each number, so that colour is not all that tells lines apart.
  private static func mark(_ index: Int, _ at: Point) -> Markup {
    switch index % 4 {
    case 0: "M\(at.x - 4) \(at.y)a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z"
    case 1: "M\(at.x - 3.5) \(at.y - 3.5)h7v7h-7Z"
    case 2: "M\(at.x) \(at.y - 4.5)l4.5 8h-9Z"
    default: "M\(at.x) \(at.y - 5)l5 5l-5 5l-5 -5Z"
    }
  }

  /// The names stand where their lines end, moved apart, with a thin line that leads to each.
  private func drawNames(into drawing: inout Drawing) {
    let ends = curves.map { $0.points.last.map(place) ?? Point(x: Self.right, y: Self.bottom) }
    let places = LabelPlacement.spread(
      ends.map(\.y), gap: 16, within: Self.top...(Self.bottom - 2))
    for (curve, (end, y)) in zip(curves, zip(ends, places)) {
      let style = curve.series.style
      drawing.path(
        "M\(end.x + 5) \(end.y)L\(Self.right + 6) \(end.y)L\(Self.right + 14) \(y)",
        "lead \(style)")
      let emphasis: Markup = curve.series.isOurs ? " ours" : ""
      let name = NumberText.shortened(curve.series.name, to: 20)
      drawing.text("\(name)", at: Point(x: Self.right + 17, y: y + 4), "label \(style)\(emphasis)")
    }
  }

  private func place(_ point: Point) -> Point {
    Point(x: x.position(point.x), y: y.position(point.y))
  }
}
