@testable import coro_bench

extension Report {
  /// A report with everything that one can hold: two of ours, two others, one missing, a rate, a
  /// line over connections, latencies, notes, and a number that is none.
  static func fixture(peer: String = "go") -> Report {
    let contenders = [
      ContenderFacts(name: "epoll", version: "this library on epoll", isOurs: true),
      ContenderFacts(name: "io_uring", version: "this library on io_uring", isOurs: true),
      ContenderFacts(name: peer, version: "Go 1.27", isOurs: false),
      ContenderFacts(name: "gevent", version: "gevent 25.9", isOurs: false),
    ]
    let names = contenders.map(\.name)
    var measurements = [
      measurement("yield", "2 coroutines", ["coroutines": "2"], Figure(name: "", unit: "ns"), names)
    ]
    for connections in [1, 50, 1000] {
      let parameters: KeyValuePairs = ["connections": "\(connections)", "size": "64"]
      for figure in [
        Figure(name: "CPU", unit: "µs/request"), Figure(name: "rate", unit: "requests/s"),
      ] {
        measurements.append(
          measurement("echo-tcp", "\(connections) × 64 B", parameters, figure, names))
      }
    }
    return Report(
      command: "coro-bench compare --peer go", date: "2026-01-02T03:04:05Z",
      machine: Machine(
        kernel: "Linux 6.18", processor: "Some \"CPU\"", cores: 2, memory: 8 << 30,
        governor: "performance", load: 0.25, compiler: "Swift 6.3, release"),
      contenders: contenders,
      missing: [Missing(contender: "nio", reason: "scripts/build-peers has not built it")],
      measurements: measurements,
      latencies: names.enumerated().map { index, name in
        Latency(
          workload: "echo-tcp", label: "50 × 64 B", contender: name, unit: "µs",
          points: [(0, 20), (0.5, 100), (0.9, 150), (0.99, 400), (0.9999, 2000)].map {
            LatencyPoint(quantile: $0.0, value: $0.1 * Double(index + 1))
          })
      },
      notes: [
        Note(
          workload: "echo-tcp", label: "50 × 64 B", contender: "epoll",
          text: "The load generator was the bottleneck."),
        Note(workload: "memory", label: "", contender: "", text: "No control group."),
      ])
  }

  private static func measurement(
    _ workload: String, _ label: String, _ parameters: KeyValuePairs<String, String>,
    _ figure: Figure, _ names: [String]
  ) -> Measurement {
    Measurement(
      workload: workload, label: label, parameters: Parameters(parameters), figure: figure,
      results: names.enumerated().map { index, name in
        (name, Statistics([10, 11, 10.5].map { $0 * Double(index + 1) }))
      })
  }
}
