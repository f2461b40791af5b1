/// A report as one file of HTML, which needs nothing else and no script.
struct Document {
  let report: Report

  func html() throws -> String {
    let comparisons = report.comparisons
    let series = Series.all(of: report)
    let names = WorkloadSection.names(report)
    let sections = names.enumerated().map { index, name in
      WorkloadSection(
        report, name, anchor: "workload-\(index)", series: series, comparisons: comparisons)
    }
    let links = sections.map { ##"<a href="#\##($0.anchor)">\##($0.name)</a>"## as Markup }
    let data = try data()
    let page: Markup = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>coro-bench, \(report.date)</title>
      <style>\(Style.sheet)</style>
      </head>
      <body>
      \(DocumentHeader(report: report).markup)
      <nav aria-label="Workloads">\(links.joined())</nav>
      <main>
      \(sections.map(\.markup).joined())
      \(notesWithoutWorkload(names))
      <section class="wide"><h2>Everything in digits</h2>
      \(FigureTable.markup(report, comparisons))</section>
      </main>
      <script type="application/json" id="report">
      \(data)
      </script>
      </body>
      </html>

      """
    return page.text
  }

  /// The report itself, for programs.
  ///
  /// A script's content is not unescaped, and may hold neither `</script` nor `<!--`. JSON has `<`
  /// in strings alone, where it can be written as a number.
  private func data() throws -> Markup {
    Markup(verbatim: try report.json().replacing("<", with: "\\u003c"))
  }

  /// A note must not be lost because nothing of its workload was measured.
  private func notesWithoutWorkload(_ names: [String]) -> Markup {
    let rest = report.notes.filter { !names.contains($0.workload) }
    guard !rest.isEmpty else { return "" }
    let items = rest.map { note in
      let label = [note.workload, note.label].filter { !$0.isEmpty }.joined(separator: ", ")
      return WorkloadSection.markup(
        Report.Note(
          workload: note.workload, label: label, contender: note.contender, text: note.text))
    }
    return #"<section class="wide"><h2>Notes</h2>\#(items.joined())</section>"#
  }
}
