import Testing

@testable import coro_bench

@Suite struct DocumentTests {
  private static func html(_ report: Report = .fixture()) throws -> String {
    try Document(report: report).html()
  }

  /// What stands between two texts.
  private static func part(_ text: String, from start: String, to end: String) -> String? {
    guard let first = text.firstRange(of: start) else { return nil }
    let rest = text[first.upperBound...]
    guard let last = rest.firstRange(of: end) else { return nil }
    return String(rest[..<last.lowerBound])
  }

  private static func embedded(_ html: String) -> String? {
    part(html, from: #"<script type="application/json" id="report">"#, to: "</script>")
  }

  @Test func `everybody is named, and who is missing with the reason`() throws {
    let html = try Self.html()
    for name in ["epoll", "io_uring", "go", "gevent", "Go 1.27", "gevent 25.9"] {
      #expect(html.contains(">\(name)<"), "\(name)")
    }
    #expect(html.contains("<strong>nio</strong>: scripts/build-peers has not built it"))
  }

  @Test func `facts of the machine and the command are there`() throws {
    let html = try Self.html()
    for fact in [
      "Linux 6.18", "Some &quot;CPU&quot;, 2 cores", "8.0 GiB", "performance", "0.25",
      "Swift 6.3, release", "coro-bench compare --peer go", "2026-01-02 03:04:05 UTC",
    ] { #expect(html.contains(fact), "\(fact)") }
  }

  @Test func `a name of markup breaks nothing`() throws {
    let html = try Self.html(.fixture(peer: "<b>&\"'</script><!--"))
    #expect(!html.contains("<b>"))
    #expect(html.contains("&lt;b&gt;&amp;&quot;"))
    #expect(html.ranges(of: "</script>").count == 1)
    #expect(!html.contains("<!--"))
  }

  @Test(arguments: ["go", "<b>&\"'</script><!--"])
  func `the report can be taken out again`(peer: String) throws {
    let report = Report.fixture(peer: peer)
    let text = try #require(Self.embedded(try Self.html(report)))
    #expect(try Report(json: text, from: "it").json() == report.json())
  }

  @Test func `elements are closed`() throws {
    let html = try Self.html()
    for name in [
      "svg", "g", "figure", "section", "table", "details", "div", "p", "text", "ul", "dl", "tr",
    ] {
      let opened = html.ranges(of: "<\(name)>").count + html.ranges(of: "<\(name) ").count
      #expect(opened == html.ranges(of: "</\(name)>").count, "\(name)")
    }
  }

  @Test func `every image says what it shows`() throws {
    let html = try Self.html()
    let images = html.ranges(of: "<svg ").count
    // Seven of bars, one of lines, one of latencies.
    #expect(images == 9)
    #expect(html.ranges(of: #"role="img">\#n<title>"#).count == images)
    #expect(html.contains("<desc>epoll: 10.5 (10.0 to 11.0); io_uring: 21.0 (20.0 to 22.0)"))
  }

  @Test func `nothing is loaded from elsewhere`() throws {
    let html = try Self.html()
    let addresses = html.ranges(of: "http").count
    #expect(addresses == html.ranges(of: #"xmlns="http://www.w3.org/2000/svg""#).count)
    #expect(!html.contains("@import") && !html.contains("url(") && !html.contains(" src="))
  }

  @Test func `the ratio and its interval stand beside the bar, ours is its own measure`() throws {
    let html = try Self.html()
    #expect(html.contains(#"×1.50 <tspan class="interval">[1.50, 1.50]</tspan>"#))
    #expect(html.contains(#"<tspan class="interval">×1</tspan>"#))
  }

  @Test func `a note stands at its case, or by itself if there is none`() throws {
    let html = try Self.html()
    let figure = try #require(Self.part(html, from: "<figcaption>50 × 64 B", to: "</figure>"))
    #expect(figure.contains("<strong>epoll:</strong> The load generator was the bottleneck."))
    #expect(html.contains("<strong>memory:</strong> No control group."))
  }

  @Test func `two numbers of connections are no line`() throws {
    #expect(try Self.html().contains("By the number of connections"))
    let all = Report.fixture()
    let few = Report(
      version: 1, command: "", date: "", machine: all.machine, contenders: all.contenders,
      missing: [], results: all.results.filter { !$0.label.hasPrefix("1000") }, ratios: [],
      latencies: [], notes: [])
    #expect(!(try Self.html(few).contains("By the number of connections")))
  }

  @Test func `a report of nothing, and one of no numbers, are pages too`() throws {
    let machine = Machine(kernel: "", processor: "", cores: 1)
    let empty = Report(
      version: 1, command: "", date: "", machine: machine, contenders: [], missing: [],
      results: [], ratios: [], latencies: [], notes: [])
    #expect(try Self.html(empty).contains("</html>"))

    let nothing = Report.Result(
      workload: "memory", label: "", parameters: ["connections": .number(0)], figure: "group",
      unit: "B", contender: "go", rounds: [.nan], median: .nan, min: .nan, max: .nan)
    let latency = Report.Latency(
      workload: "echo", label: "", contender: "go", unit: "µs",
      points: [LatencyPoint(quantile: .nan, value: 0), LatencyPoint(quantile: 1, value: .nan)])
    let odd = Report(
      version: 1, command: "", date: "", machine: machine, contenders: [], missing: [],
      results: [nothing], ratios: [], latencies: [latency], notes: [])
    let html = try Self.html(odd)
    #expect(html.contains("</html>") && !html.contains("nan"))
  }
}

@Suite struct SummaryChartTests {
  @Test func `a chart holds what was asked for, and is small`() throws {
    let svg = try SummaryChart(.fixture(), ["yield", "echo-tcp/50 × 64 B"]).svg()
    #expect(svg.utf8.count <= SummaryChart.byteCountMax)
    #expect(svg.hasPrefix("<svg xmlns="))
    #expect(svg.hasSuffix("</svg>\n"))
    #expect(svg.contains(">yield, 2 coroutines<"))
    #expect(svg.contains(">echo-tcp, 50 × 64 B<"))
    #expect(!svg.contains("1000 × 64 B"))
    #expect(!svg.contains("var("), "An image has no page to take colours from.")
  }

  @Test func `what is not there is answered with what is`() {
    #expect(
      throws: BenchError("The report has no workload 'pipe'. It has: yield, echo-tcp.")
    ) { try SummaryChart(.fixture(), ["pipe"]) }
  }

  @Test func `too much for one image is refused`() throws {
    let chart = try SummaryChart(.fixture(), Array(repeating: "echo-tcp", count: 20))
    #expect(throws: BenchError.self) { try chart.svg() }
  }
}

@Suite struct ReportCommandTests {
  @Test func `the result lies beside the report`() throws {
    #expect(try ReportCommand.parse(["a/run.json"]).destination == "a/run.html")
    #expect(try ReportCommand.parse(["run"]).destination == "run.html")
    #expect(try ReportCommand.parse(["run.json", "--svg", "yield"]).destination == "run.svg")
    #expect(try ReportCommand.parse(["run.json", "--output", "x"]).destination == "x")
    #expect(try ReportCommand.parse(["-"]).destination == nil)
  }

  @Test func `the report is not written over`() {
    #expect(throws: (any Error).self) {
      try ReportCommand.parse(["run.json", "--output", "run.json"])
    }
  }

  @Test func `a file that is not there is named with the reason`() throws {
    let command = try ReportCommand.parse(["/nowhere/run.json"])
    #expect(
      throws: BenchError("/nowhere/run.json can't be opened: No such file or directory.")
    ) { try command.run() }
    let folder = try ReportCommand.parse(["/proc"])
    #expect(throws: BenchError("/proc can't be read: Is a directory.")) { try folder.run() }
  }
}
