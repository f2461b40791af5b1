import Testing

@testable import coro_bench

@Suite struct ReportCodingTests {
  private static let fast = (contender: "epoll", statistics: Statistics([2, 2.5, 3]))
  private static let slow = (contender: "go", statistics: Statistics([4, 5, 6]))

  private static func report(
    _ results: [(contender: String, statistics: Statistics)],
    _ figure: Figure = Figure(name: "CPU", unit: "µs/request")
  ) -> Report {
    Report(
      command: "coro-bench", date: "2026-01-02T03:04:05Z",
      machine: Machine(kernel: "Linux", processor: "", cores: 1),
      contenders: [
        Report.ContenderFacts(name: "epoll", version: "this library", isOurs: true),
        Report.ContenderFacts(name: "io_uring", version: "this library", isOurs: true),
        Report.ContenderFacts(name: "go", version: "Go 1.27", isOurs: false),
      ],
      missing: [],
      measurements: [
        Measurement(
          workload: "echo", label: "50 × 64 B",
          parameters: Parameters(["connections": "50", "mode": "plain"]), figure: figure,
          results: results)
      ])
  }

  // MARK: From measurements

  @Test func `a measurement becomes one result for each contender`() throws {
    let results = Self.report([Self.fast, Self.slow]).results
    #expect(results.map(\.contender) == ["epoll", "go"])
    #expect(results[1].workload == "echo")
    #expect(results[1].label == "50 × 64 B")
    #expect(results[1].parameters == ["connections": .number(50), "mode": .text("plain")])
    #expect(results[1].figure == "CPU")
    #expect(results[1].unit == "µs/request")
    #expect(results[1].rounds == [4, 5, 6])
    #expect([results[1].median, results[1].min, results[1].max] == [5, 4, 6])
  }

  @Test func `everybody is compared with the last of our backends, be it better or not`() {
    let ring = ("io_uring", Statistics([1, 1.25, 1.5]))
    let ratios = Self.report([Self.fast, ring, Self.slow]).ratios
    #expect(ratios.map(\.contender) == ["epoll", "go"])
    #expect(ratios.map(\.against) == ["io_uring", "io_uring"])
    #expect(ratios.map { ($0.ratio * 1000).rounded() } == [2000, 4000])
  }

  @Test func `where the last of ours failed it is the other one`() {
    let ratios = Self.report([Self.fast, Self.slow]).ratios
    #expect(ratios.map(\.against) == ["epoll"])
  }

  @Test func `without one of ours, or with two rounds, there is no ratio`() {
    #expect(Self.report([Self.slow]).ratios.isEmpty)
    let pair = Statistics([1, 2])
    #expect(Self.report([("epoll", pair), ("go", pair)]).ratios.isEmpty)
  }

  @Test func `a command line can be given to a shell again`() {
    #expect(Report.commandLine(["run", "--size", "64"]) == "coro-bench run --size 64")
    #expect(Report.commandLine(["", "a b", "it's"]) == #"coro-bench '' 'a b' 'it'\''s'"#)
  }

  // MARK: JSON

  @Test func `a report survives being JSON`() throws {
    let text = try Report.fixture().json()
    let report = try Report(json: text, from: "it")
    #expect(try report.json() == text)
    #expect(report.machine == Report.fixture().machine)
    #expect(report.ratios == Report.fixture().ratios)
    #expect(report.notes == Report.fixture().notes)
    #expect(report.latencies[0].points == Report.fixture().latencies[0].points)
    #expect(report.results.map(\.rounds) == Report.fixture().results.map(\.rounds))
  }

  @Test func `what is no number is null, and read as none`() throws {
    let text = try Self.report([("go", Statistics([.infinity, .infinity, 1]))]).json()
    #expect(text.contains("null"))
    let result = try #require(try Report(json: text, from: "it").results.first)
    #expect(result.rounds[0].isNaN)
    #expect(result.rounds[2] == 1)
    #expect(result.median.isNaN && result.max.isNaN)
    #expect(result.min == 1)
  }

  @Test func `members of machines and others that are not known do no harm`() throws {
    let text = try Report.fixture().json()
      .replacing("\"governor\" : \"performance\",", with: "\"colour\" : [1],")
    #expect(try Report(json: text, from: "it").machine.governor == nil)
  }

  @Test func `slashes and letters beyond ASCII are left as they are`() throws {
    #expect(try Report.fixture().json().contains("\"µs/request\""))
  }

  @Test(arguments: [
    ("", "it.json is no report of coro-bench: it is no JSON."),
    ("{", "it.json is no report of coro-bench: it is no JSON."),
    ("{}", "it.json is no report of coro-bench: it has no 'version'."),
    ("{\"version\": 2}", "it.json is a report of version 2; this program reads 1."),
    ("{\"version\": 1}", "it.json is no report of coro-bench: it has no 'command'."),
  ])
  func `what is no report is refused in a sentence`(text: String, sentence: String) {
    #expect(throws: BenchError(sentence)) { try Report(json: text, from: "it.json") }
  }

  @Test func `a refusal names the place`() throws {
    let text = try Report.fixture().json().replacing("\"missing\" : [", with: "\"missing\" : [1,")
    let error = #expect(throws: BenchError.self) { try Report(json: text, from: "it.json") }
    #expect(error?.description.contains("missing[0] is of another type.") == true)
  }
}
