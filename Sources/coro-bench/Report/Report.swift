/// Everything that a run of the command found out, as `run --json` prints it.
///
/// The members of each type are those of the JSON. A version only ever grows by further members
/// that may be missing; anything else is a new version.
struct Report: Codable, Sendable {
  static let currentVersion = 1

  let version: Int
  /// The command line.
  let command: String
  /// When it began: ISO 8601, UTC.
  let date: String
  let machine: Machine
  /// In the order of the command line.
  let contenders: [ContenderFacts]
  let missing: [Missing]
  let results: [Result]
  let ratios: [Ratio]
  let latencies: [Latency]
  let notes: [Note]
}

extension Report {
  /// Somebody who was measured.
  struct ContenderFacts: Codable, Sendable, Equatable {
    let name: String
    /// What people know it by: "Go 1.27".
    let version: String
    /// Whether it is this library with one of its backends.
    let isOurs: Bool
  }

  /// Somebody who should have been measured.
  struct Missing: Codable, Sendable, Equatable {
    let contender: String
    let reason: String
  }

  /// One figure of one case of one contender.
  struct Result: Codable, Sendable {
    let workload: String
    let label: String
    /// By name: `{"connections": 50, "size": 64}`.
    let parameters: [String: ParameterValue]
    /// Empty if the workload says it all.
    let figure: String
    let unit: String
    let contender: String
    /// In the order of measuring.
    @NullInJSON var rounds: [Double]
    @NullInJSON var median: Double
    @NullInJSON var min: Double
    @NullInJSON var max: Double
  }

  /// A contender's figure over another one's, with an interval of 95 %; see `PairedRatio`.
  struct Ratio: Codable, Sendable, Equatable {
    let workload: String
    let label: String
    let figure: String
    let contender: String
    let against: String
    let ratio: Double
    let low: Double
    let high: Double
  }

  /// How long one contender's answers took.
  struct Latency: Codable, Sendable {
    let workload: String
    let label: String
    let contender: String
    /// As in "µs".
    let unit: String
    /// By growing quantile, from 0 to 0.9999…; each one is `[quantile, value]` in JSON.
    @NullInJSON var points: [LatencyPoint]
  }

  /// What a reader must know of a case, or of one contender in it.
  struct Note: Codable, Sendable, Equatable {
    let workload: String
    /// Empty if it concerns all cases of the workload.
    let label: String
    /// Empty if it concerns all contenders.
    let contender: String
    let text: String
  }
}

/// The latency that a fraction of all answers did not exceed.
struct LatencyPoint: Sendable, Equatable {
  /// 0.5 for the median.
  let quantile: Double
  let value: Double
}

/// A parameter of a case, which is a number where it reads like one.
enum ParameterValue: Codable, Sendable, Equatable, Hashable {
  case number(Int)
  case text(String)

  init(_ text: String) {
    self = Int(text).map(Self.number) ?? .text(text)
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int.self) {
      self = .number(number)
    } else {
      self = .text(try container.decode(String.self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    }
  }
}
