/// What is served, and how it is loaded.
struct ServiceLoad: Sendable {
  /// What `serve` is asked for.
  let service: String
  let transport: Transport
  let mode: LoadMode
  /// What one of the answers is called, in units: "request".
  let answer: String

  enum Transport: Sendable {
    case tcp
    case unix
    case udp
  }

  /// The first one is what a busy load generator can't mask.
  var figures: [Figure] {
    [
      Figure(name: "CPU", unit: "µs/\(answer)"), Figure(name: "rate", unit: "\(answer)s/s"),
      Figure(name: "p50", unit: "µs"), Figure(name: "p99", unit: "µs"),
    ]
  }

  /// What is counted in a round of its own.
  var figureOfCalls: Figure { Figure(name: "system calls", unit: "calls/\(answer)") }

  /// What tells a server where to listen.
  ///
  /// - Parameter path: Where a Unix socket may be.
  func listening(path: String) -> [String] {
    switch transport {
    case .tcp: ["--tcp", "127.0.0.1:0"]
    case .udp: ["--udp", "127.0.0.1:0"]
    case .unix: ["--unix", path]
    }
  }
}
