/// How charts look: colours by the part they play, and the classes that a `Drawing` uses.
struct ChartStyle {
  /// Of names and numbers.
  let text: Markup
  /// Of what is read second.
  let muted: Markup
  let grid: Markup
  /// Of this library, which is what a reader looks for.
  let ours: Markup
  let others: Markup

  /// The colours of the page, which follow the reader's scheme.
  static let page = ChartStyle(
    text: "var(--text)", muted: "var(--muted)", grid: "var(--grid)", ours: "var(--o0)",
    others: "var(--bar)")

  /// Colours that can be told from white and from black alike, for an image on somebody's page:
  /// whether that is dark an image can't know.
  static let anywhere = ChartStyle(
    text: "#757b82", muted: "#757b82", grid: "#8884", ours: "#2b7fc4", others: "#868d94")

  /// Bars are pale with an outline, so that the line from least to greatest is seen on them.
  var bars: Markup {
    """
    text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:\(text);\
    font-variant-numeric:tabular-nums}
    .end{text-anchor:end}.mid{text-anchor:middle}
    .tick,.interval{font-size:11px;fill:\(muted)}
    text.ours{font-weight:700;fill:\(ours)}
    .grid{stroke:\(grid);fill:none}
    .bar{fill:\(others);fill-opacity:.35;stroke:\(others)}
    .bar.ours{fill:\(ours);stroke:\(ours)}
    .whisker{stroke:\(others);stroke-width:2;fill:none}.whisker.ours{stroke:\(ours)}
    .guide{stroke:\(muted);stroke-dasharray:1 4;fill:none}
    .dot{fill:\(others)}.dot.ours{fill:\(ours)}
    """
  }

  /// What the charts with lines have beside.
  var curves: Markup {
    let ours = (0..<Series.oursCount).map { Self.series("o\($0)") }
    let others = (0..<Series.othersCount).map { Self.series("p\($0)") }
    return """
      .axis{stroke:\(muted);fill:none}
      .curve{stroke:var(--c);fill:none;stroke-width:1.6;stroke-linejoin:round}
      .curve.strong{stroke-width:3}
      .curve.p1,.curve.p5{stroke-dasharray:6 3}.curve.p2,.curve.p6{stroke-dasharray:2 3}
      .curve.p3,.curve.p7{stroke-dasharray:8 3 2 3}.curve.o1{stroke-dasharray:9 3}
      .mark{fill:var(--c);stroke:var(--back)}
      .lead{stroke:var(--c);fill:none;opacity:.55}
      text.label{font-size:12px;fill:var(--c)}
      \((ours + others).joined())
      """
  }

  private static func series(_ name: String) -> Markup {
    ".\(name){--c:var(--\(name))}"
  }
}
