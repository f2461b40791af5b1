/// All that a report says of one workload.
struct WorkloadSection {
  let report: Report
  let name: String
  /// What links to it.
  let anchor: String
  let series: [Series]
  private let comparisons: [Comparison]
  private let latencies: [LatencyChart]

  init(
    _ report: Report, _ name: String, anchor: String, series: [Series], comparisons: [Comparison]
  ) {
    self.report = report
    self.name = name
    self.anchor = anchor
    self.series = series
    self.comparisons = comparisons.filter { $0.workload == name }
    var labels: [String] = []
    let own = report.latencies.filter { $0.workload == name }
    for latency in own where !labels.contains(latency.label) { labels.append(latency.label) }
    latencies = labels.compactMap { label in
      LatencyChart(own.filter { $0.label == label }, series)
    }
  }

  /// The workloads of a report, in the order in which they were measured.
  static func names(_ report: Report) -> [String] {
    var names: [String] = []
    for name in report.results.map(\.workload) + report.latencies.map(\.workload)
    where !names.contains(name) { names.append(name) }
    return names
  }

  var markup: Markup {
    [
      #"<section id="\#(anchor)"\#(width)><h2>\#(name)</h2>"#, summary, notesOfAllCases,
      firstFigure, lines,
      latencyCharts, otherFigures, "</section>",
    ].filter { !$0.text.isEmpty }.joined()
  }

  /// A single chart takes one column, and leaves the others to other workloads.
  private var width: Markup {
    let isNarrow = latencies.isEmpty && (figures.first?.cases.count ?? 0) <= 1
    return isNarrow ? "" : #" class="wide""#
  }

  /// What `list` says of it, without the options of the command.
  private var summary: Markup {
    guard let workload = Workload.all.first(where: { $0.name == name }) else { return "" }
    let text = workload.summary.replacing(#/ \(--[^)]*\)/#, with: "")
    return #"<p class="lead-in">\#(text)</p>"#
  }

  /// Each figure with its cases, in order.
  private var figures: [(figure: Figure, cases: [Comparison])] {
    var result: [(figure: Figure, cases: [Comparison])] = []
    for comparison in comparisons {
      if let index = result.firstIndex(where: { $0.figure == comparison.figure }) {
        result[index].cases.append(comparison)
      } else {
        result.append((comparison.figure, [comparison]))
      }
    }
    return result
  }

  /// The first one is the point of a workload, and tells the notes.
  private var firstFigure: Markup {
    guard let first = figures.first else { return "" }
    return heading(first.figure) + panels(first.cases.map { panel($0, withNotes: true) })
  }

  private var otherFigures: Markup {
    let others = figures.dropFirst()
    guard !others.isEmpty else { return "" }
    let titles = others.map(\.figure.title).joined(separator: "; ")
    let charts = others.map { figure, cases in
      heading(figure) + panels(cases.map { panel($0, withNotes: false) })
    }
    return "<details><summary>Also measured: \(titles)</summary>\(charts.joined())</details>"
  }

  private func heading(_ figure: Figure) -> Markup {
    let direction = figure.isRate ? "more is better" : "less is better"
    return "<h3>\(figure.title) <small>\(direction)</small></h3>"
  }

  private func panel(_ comparison: Comparison, withNotes: Bool) -> Markup {
    let chart = BarChart(comparison, in: report, .page)
    var drawing = Drawing()
    chart.draw(into: &drawing)
    let image = drawing.image(
      width: chart.width, height: chart.height,
      title: "\(name), \(comparison.label): \(comparison.figure.title)",
      description: chart.description)
    let hint: Markup = chart.isLogarithmic ? " <span>logarithmic scale</span>" : ""
    let notes = withNotes ? self.notes(comparison.label) : ""
    return "<figure><figcaption>\(comparison.label)\(hint)</figcaption>\(image)\(notes)</figure>"
  }

  private var lines: Markup {
    let charts = LineChart.all(comparisons, series)
    guard !charts.isEmpty else { return "" }
    let figures = charts.map { chart in
      "<figure><figcaption>\(chart.condition)</figcaption>\(chart.image)</figure>" as Markup
    }
    return "<h3>By the number of connections <small>\(charts[0].figure.title)</small></h3>"
      + panels(figures)
  }

  private var latencyCharts: Markup {
    guard !latencies.isEmpty else { return "" }
    let figures = latencies.map { chart in
      "<figure><figcaption>\(chart.label)</figcaption>\(chart.image)</figure>" as Markup
    }
    let tables = latencies.map(\.table).joined()
    return "<h3>Latency <small>time on the wall, less is better</small></h3>" + panels(figures)
      + "<details><summary>Latencies in digits</summary>"
      + #"<div class="scroll">\#(tables)</div></details>"#
  }

  private func panels(_ figures: [Markup]) -> Markup {
    #"<div class="panels">\#(figures.joined())</div>"#
  }

  // MARK: Notes

  /// Those of the workload, and those of a case that has no chart.
  private var notesOfAllCases: Markup {
    let shown = Set(figures.first?.cases.map(\.label) ?? [])
    let rest = report.notes.filter { $0.workload == name && !shown.contains($0.label) }
    return rest.map(Self.markup).joined()
  }

  private func notes(_ label: String) -> Markup {
    report.notes.filter { $0.workload == name && $0.label == label }.map {
      Self.markup(Report.Note(workload: name, label: "", contender: $0.contender, text: $0.text))
    }.joined()
  }

  static func markup(_ note: Report.Note) -> Markup {
    let about = [note.label, note.contender].filter { !$0.isEmpty }.joined(separator: ", ")
    let who: Markup = about.isEmpty ? "" : "<strong>\(about):</strong> "
    return #"<p class="note">\#(who)\#(note.text)</p>"#
  }
}
