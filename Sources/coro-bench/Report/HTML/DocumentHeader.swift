/// What stands above the figures: where they come from, who takes part, and how to read them.
struct DocumentHeader {
  let report: Report

  var markup: Markup {
    let moment = report.date.replacing("T", with: " ").replacing("Z", with: " UTC")
    return [
      "<header><h1>coro-bench</h1>",
      #"<p class="lead-in">What coroutines cost, measured \#(moment)</p>"#,
      machine, missing,
      #"<div class="panels"><div>\#(contenders)</div>\#(explanation)</div>"#, "</header>",
    ].joined()
  }

  private var machine: Markup {
    let machine = report.machine
    var facts: [(String, String)] = [
      ("kernel", machine.kernel),
      ("processor", "\(machine.processor), \(machine.cores) core\(machine.cores == 1 ? "" : "s")"),
    ]
    if let memory = machine.memory {
      facts.append(("memory", "\(NumberText.fixed(Double(memory) / 1_073_741_824, digits: 1)) GiB"))
    }
    if let governor = machine.governor { facts.append(("frequency governor", governor)) }
    if let load = machine.load {
      facts.append(("load at the start", NumberText.fixed(load, digits: 2)))
    }
    if let compiler = machine.compiler { facts.append(("compiled by", compiler)) }
    let items = facts.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as Markup }
    return "<dl><dt>command</dt><dd><code>\(report.command)</code></dd>\(items.joined())</dl>"
  }

  /// First of all, who should be here and is not: its absence says nothing of what it would cost.
  private var missing: Markup {
    guard !report.missing.isEmpty else { return "" }
    let items = report.missing.map {
      "<li><strong>\($0.contender)</strong>: \($0.reason)</li>" as Markup
    }
    return #"<div class="box warn"><h2>Not measured</h2><ul>\#(items.joined())</ul></div>"#
  }

  private var contenders: Markup {
    let rows = report.contenders.map { contender -> Markup in
      let style: Markup = contender.isOurs ? #" class="ours""# : ""
      return """
        <tr\(style)><th scope="row">\(contender.name)</th><td>\(contender.version)</td></tr>
        """
    }
    return """
      <table><caption>Who was measured</caption>
      <thead><tr><th scope="col">contender</th><th scope="col">what it is</th></tr></thead>
      <tbody>\(rows.joined())</tbody></table>
      """
  }

  private var explanation: Markup {
    """
    <section class="box"><h2>How to read this</h2><ul>
    <li>A bar is the median of \(rounds), each in a process of its own, with the contenders in
    turn. The thin line reaches from the least round to the greatest.
    <span class="ours-name">Blue</span> is this library.</li>
    <li>What is named CPU, or has no name, is CPU time of one operation, of the program and of the
    kernel for it; p50 and p99 are time on the wall. Less is better, except for rates.</li>
    <li>×1.42 [1.38, 1.47] means 1.42 times the figure of our backend marked ×1: the geometric mean
    of the ratios of each round, and not the ratio of the medians. The brackets are its interval of
    95 % by the scatter of these rounds; where they hold 1, no difference is shown. How the machine
    drifts from run to run is not in them.</li>
    <li>A load sends its next message when the last one was answered, so whoever stops for a while
    is asked less meanwhile: latencies compare contenders, and are no promise to users.</li>
    <li>Where contenders are more than 25 times apart, dots on a logarithmic scale stand for the
    bars.</li></ul></section>
    """
  }

  /// How many there were, as in "5 rounds" or "3 to 5 rounds".
  private var rounds: String {
    // What is counted is not repeated.
    let counts = report.results.filter { !$0.unit.hasPrefix("calls/") }.map(\.rounds.count)
    guard let least = counts.min(), let most = counts.max() else { return "rounds" }
    if least == most { return "\(most) round\(most == 1 ? "" : "s")" }
    return "\(least) to \(most) rounds"
  }
}
