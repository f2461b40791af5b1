import Glibc
import Testing

@testable import coro_bench

/// Peers, made of a few lines of shell, and what a session finds out with them.
@Suite struct CompareTests {
  @Test func `a peer is what it says of itself`() throws {
    let folder = try PeerFolder()
    try folder.add("go", "printf 'version\\tGo 9\\nround\\tyield\\nserve\\techo\\n'")
    let (found, missing) = Peers.find(["go"], in: folder.path)
    #expect(missing.isEmpty)
    let go = try #require(found.first)
    #expect(go.facts == Report.ContenderFacts(name: "go", version: "Go 9", isOurs: false))
    #expect(go.can(.yield) && go.can(.echoTCP) && go.can(.exchange))
    #expect(!go.can(.spawn) && !go.can(.stream) && !go.can(.copy))
  }

  @Test func `a peer that is not there is named with what the build said, or with what to do`()
    throws
  {
    let folder = try PeerFolder()
    try TextFile.write("libuv1-dev is missing.\n", to: "\(folder.path)/libuv.missing")
    try folder.add("go", "printf 'round\\tyield\\n'")
    let (found, missing) = Peers.find(["libuv", "nio", "go"], in: folder.path)
    #expect(found.isEmpty)
    #expect(missing.map(\.contender) == ["libuv", "nio", "go"])
    #expect(missing[0].reason == "libuv1-dev is missing.")
    #expect(missing[1].reason == "It is not built: run scripts/build-peers nio.")
    #expect(missing[2].reason == "'\(folder.path)/go list' tells no version.")
  }

  @Test func `contenders take turns, and each figure is its own`() throws {
    let folder = try PeerFolder()
    for (name, value) in [("go", 3), ("boost", 7)] {
      try folder.add(
        name,
        """
        if [ "$1" = list ]; then printf 'version\\tx\\nround\\tyield\\n'; exit; fi
        echo "\(name) $*" >> '\(folder.path)/calls'
        printf '\\t\(value)\\n'
        """)
    }
    let findings = try folder.session(["go", "boost"], rounds: 3).run([
      (workload: .yield, case: Case(label: "2", parameters: Parameters(["coroutines": "2"])))
    ])
    let measurement = try #require(findings.measurements.first)
    #expect(measurement.results.map(\.contender) == ["go", "boost"])
    #expect(measurement.results.map(\.statistics.rounds) == [[3, 3, 3], [7, 7, 7]])
    #expect(findings.failures.isEmpty && findings.notes.isEmpty)
    let calls = try TextFile.contents(of: "\(folder.path)/calls").split(separator: "\n")
    let asked = "round --workload yield --duration-ms 10 coroutines=2"
    // In any order within a round.
    for round in 0..<3 {
      #expect(Set(calls[round * 2..<round * 2 + 2]) == ["go \(asked)", "boost \(asked)"])
    }
  }

  @Test func `who has no such case is no failure, and who fails is one`() throws {
    let folder = try PeerFolder()
    for (name, status) in [("go", 64), ("boost", 3)] {
      try folder.add(
        name,
        """
        if [ "$1" = list ]; then printf 'version\\tx\\nround\\tyield\\n'; exit; fi
        exit \(status)
        """)
    }
    let findings = try folder.session(["go", "boost"], rounds: 3).run([
      (workload: .yield, case: Case(label: "2", parameters: Parameters(["coroutines": "2"])))
    ])
    #expect(findings.measurements.allSatisfy { $0.results.isEmpty })
    #expect(findings.failures == ["yield 2, boost: It failed with exit status 3."])
    #expect(
      Set(findings.notes.map { "\($0.contender): \($0.text)" }) == [
        "go: It offers no such case.", "boost: It failed with exit status 3.",
      ])
  }

  @Test func `a load generator that was busy is named, and one that was not is not`() {
    func load(busy: Int64) -> LoadResult {
      var result = LoadResult()
      result.requests = 1
      result.nanoseconds = 100
      result.generatorNanoseconds = busy
      return result
    }
    let idle = [load(busy: 50), load(busy: 80), load(busy: 99)]
    let busy = [load(busy: 50), load(busy: 95), load(busy: 99)]
    #expect(Session.noteOfGenerator([("epoll", idle)]) == nil)
    let note = Session.noteOfGenerator([("epoll", idle), ("io_uring", busy), ("go", busy)])
    #expect(note?.contains("with io_uring (95 %), go (95 %): ") == true)
  }

  @Test func `datagrams that were lost are told`() {
    func load(lost: Int) -> LoadResult {
      var result = LoadResult()
      result.requests = 10
      result.lost = lost
      return result
    }
    #expect(Session.noteOfLosses([("epoll", [load(lost: 0)])]) == nil)
    let note = Session.noteOfLosses([
      ("epoll", [load(lost: 0)]), ("go", [load(lost: 1), load(lost: 2)]),
    ])
    #expect(note?.hasSuffix("go 3 of 23.") == true)
  }

  @Test func `a server that says that it has no such service is no failure`() throws {
    let folder = try PeerFolder()
    try folder.add(
      "go",
      """
      if [ "$1" = list ]; then printf 'version\\tx\\nserve\\techo\\n'; exit; fi
      exit 64
      """)
    try folder.add(
      "boost",
      """
      if [ "$1" = list ]; then printf 'version\\tx\\nserve\\techo\\n'; exit; fi
      echo 'I serve.'
      exec sleep 100
      """)
    let findings = try folder.session(["go", "boost"], rounds: 1).run([
      (
        workload: .echoTCP,
        case: Case(label: "1", parameters: Parameters(["connections": "1", "size": "1"]))
      )
    ])
    #expect(
      Set(findings.notes.map { "\($0.contender): \($0.text)" }) == [
        "go: It offers no such case.",
        "boost: The server did not say where it listens, but 'I serve.'.",
      ])
  }

  @Test func `a curve of latencies is of all rounds, and only where there are answers enough`()
    throws
  {
    var (fast, slow) = (LoadResult(), LoadResult())
    fast.latencies.record(1_000, count: 900)
    slow.latencies.record(2_000_000, count: 100)
    let curve = LatencyCurve.of([fast, slow], "echo", "1", "epoll")
    #expect(curve.points.map(\.quantile) == [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99])
    let value = { (quantile: Double) in curve.points.first { $0.quantile == quantile }?.value }
    #expect(value(0.5) == 1)
    // To three digits.
    #expect(abs(try #require(value(0.95)) - 2_000) < 3)
  }

  @Test func `many contenders have a line each, with the ratio to one of ours`() {
    let figure = Figure(name: "CPU", unit: "ns")
    let results: [(contender: String, statistics: Statistics)] = [
      ("epoll", Statistics([2, 2, 2])), ("io_uring", Statistics([3, 3, 3])),
      ("go", Statistics([8, 8, 8])),
    ]
    let report = Report(
      command: "coro-bench compare", date: "", machine: .this,
      contenders: results.map {
        Report.ContenderFacts(name: $0.contender, version: "x", isOurs: $0.contender != "go")
      }, missing: [Report.Missing(contender: "nio", reason: "Not built.")],
      measurements: [
        Measurement(
          workload: "yield", label: "2", parameters: Parameters(), figure: figure, results: results)
      ])
    let lines = report.table.split(separator: "\n").map(String.init)
    #expect(lines.contains { $0.contains("go") && $0.contains("2.67  2.67–2.67") })
    #expect(lines.contains { $0.contains("epoll") && $0.contains("0.67") })
    #expect(lines.last == "nio is missing: Not built.")
  }
}

/// A folder with peers in it, which goes away with this object.
private final class PeerFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/coro-bench-XXXXXX".utf8CString)
    path = String(cString: try #require(mkdtemp(&template)))
  }

  deinit {
    for name in Peers.names + Peers.names.map({ "\($0).sh" }) + ["calls", "libuv.missing"] {
      unlink("\(path)/\(name)")
    }
    rmdir(path)
  }

  func add(_ name: String, _ script: String) throws {
    try TextFile.write("\(script)\n", to: "\(path)/\(name).sh")
    let folder = #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    try #require(symlink("\(folder)/peer.sh", "\(path)/\(name)") == 0)
  }

  func session(_ names: [String], rounds: Int) throws -> Session {
    let (found, missing) = Peers.find(names, in: path)
    try #require(missing.isEmpty)
    return Session(
      contenders: found, rounds: rounds, duration: .milliseconds(10),
      progress: Progress(isForced: false))
  }
}
