import Testing

@testable import coro_bench

@Suite struct ReportTests {
  private static let echo = Measurement(
    workload: "echo", label: "1000 × 16384 B",
    parameters: Parameters(["connections": "1000", "mode": "plain"]),
    figure: Figure(name: "CPU", unit: "µs/request"),
    results: [
      ("epoll", Statistics([4, 5, 6])), ("io_uring", Statistics([2.5, 2, 3])),
    ])

  private static func report(
    _ measurements: [Measurement], contenders: [String] = ["epoll", "io_uring"]
  ) -> Report {
    Report(
      command: "coro-bench run", date: "2026-01-02T03:04:05Z",
      machine: Machine(kernel: "Linux 6.18", processor: "Some \"CPU\"", cores: 2),
      contenders: contenders.map {
        Report.ContenderFacts(name: $0, version: "this library", isOurs: true)
      },
      missing: [], measurements: measurements)
  }

  // MARK: The table

  @Test func `columns are aligned and no line ends in a space`() {
    var table = Table(["name", "value"], [.left, .right])
    table.append(["a", "1.00"])
    table.append(["µs/request", "100k"])
    #expect(
      table.lines == [
        "name        value",
        "─────────────────",
        "a            1.00",
        "µs/request   100k",
      ])
    var ragged = Table(["a", "b"], [.left, .left])
    ragged.append(["", ""])
    #expect(ragged.lines.last == "")
  }

  @Test func `two contenders stand side by side with their ratio`() {
    let lines = Self.report([Self.echo]).table.split(separator: "\n")
    #expect(lines[0] == "Linux 6.18, Some \"CPU\", 2 cores")
    #expect(lines[1].hasSuffix("ratio"))
    #expect(lines[3].contains("5.00  4.00–6.00"))
    #expect(lines[3].contains("2.50  2.00–3.00"))
    #expect(lines[3].hasSuffix("0.50"))
  }

  @Test func `one contender has no ratio`() {
    let table = Self.report([Self.echo], contenders: ["epoll"]).table
    #expect(!table.contains("ratio"))
  }

  @Test func `a contender that failed is named as such, and has no ratio`() {
    let measurement = Measurement(
      workload: "echo", label: "", parameters: Parameters(), figure: Self.echo.figure,
      results: [("io_uring", Statistics([1]))])
    let line = Self.report([measurement]).table.split(separator: "\n")[3]
    #expect(line.contains("failed"))
    #expect(line.hasSuffix("1.00–1.00"))
  }

  @Test func `the widest figures of every workload fit 100 columns`() {
    let settings = Settings()
    let measurements = Workload.all.flatMap { workload in
      workload.cases(settings).flatMap { item in
        Session.measurements(
          workload, item, ["epoll", "io_uring"],
          Array(
            repeating: [1111.1, 2222.2].map { value in
              RoundResult(values: workload.figures.map { _ in value }, load: nil)
            },
            count: 2))
      }
    }
    for line in Self.report(measurements).table.split(separator: "\n") {
      #expect(line.count <= 100, "\(line)")
    }
  }
}

@Suite struct ProtocolTests {
  @Test func `a round's figures survive being printed`() throws {
    let figures = [Figure(name: "", unit: "ns"), Figure(name: "page tables", unit: "B")]
    let text = RoundOutput.text(figures, [1.25, 1e-7])
    #expect(try RoundOutput.parse(text, figures) == [1.25, 1e-7])
  }

  @Test(arguments: ["", "CPU\t1\n", "CPU\tx\nrate\t2\n", "rate\t1\nCPU\t2\n", "CPU 1\nrate 2\n"])
  func `anything but a round's figures is refused`(text: String) {
    let figures = [Figure(name: "CPU", unit: "µs"), Figure(name: "rate", unit: "1/s")]
    #expect(throws: BenchError.self) { try RoundOutput.parse(text, figures) }
  }

  @Test func `parameters survive being arguments`() throws {
    let parameters = Parameters(["connections": "50", "through": "a=b"])
    #expect(try Parameters(parsing: parameters.arguments) == parameters)
    #expect(try parameters.number("connections") == 50)
    #expect(throws: BenchError.self) { try parameters.number("through") }
    #expect(throws: BenchError.self) { try parameters.text("size") }
    #expect(throws: BenchError.self) { try Parameters(parsing: ["size"]) }
  }

  @Test func `every workload has a name of its own, a figure and a case`() {
    #expect(Set(Workload.all.map(\.name)).count == Workload.all.count)
    for workload in Workload.all {
      #expect(!workload.figures.isEmpty)
      #expect(!workload.cases(Settings()).isEmpty)
      #expect(!workload.cases(Settings(isQuick: true)).isEmpty)
      let labels = workload.cases(Settings()).map(\.label)
      #expect(Set(labels).count == labels.count)
    }
  }

  @Test func `unknown names are answered with the known ones`() {
    let names = Workload.all.map(\.name)
    #expect(names.contains("echo-tcp"))
    let known = names.joined(separator: ", ")
    #expect(throws: BenchError("There is no workload 'x'. There are: \(known).")) {
      try Workload.named("x")
    }
    #expect(throws: BenchError.self) { try BackendUnderTest.named("kqueue") }
  }

  @Test func `values are found by their key in files of proc`() {
    let text = "Name:\tx\nVmPTE:\t     128 kB\nmodel name\t: Some CPU\n"
    #expect(TextFile.value(of: "VmPTE", in: text) == "128 kB")
    #expect(TextFile.value(of: "model name", in: text) == "Some CPU")
    #expect(TextFile.value(of: "model", in: text) == nil)
  }
}
