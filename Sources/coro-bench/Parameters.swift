/// A case's parameters by name, in order: `connections=50 size=64`.
struct Parameters: Sendable, Equatable {
  private(set) var pairs: [(name: String, value: String)] = []

  init(_ pairs: KeyValuePairs<String, String> = [:]) {
    self.pairs = pairs.map { (name: $0.key, value: $0.value) }
  }

  /// Reads what `arguments` writes.
  init(parsing arguments: [String]) throws {
    for argument in arguments {
      guard let sign = argument.firstIndex(of: "=") else {
        throw BenchError("'\(argument)' is no parameter: it must read name=value.")
      }
      pairs.append(
        (name: String(argument[..<sign]), value: String(argument[argument.index(after: sign)...])))
    }
  }

  var arguments: [String] { pairs.map { "\($0.name)=\($0.value)" } }

  func adding(_ name: String, _ value: String) -> Parameters {
    var longer = self
    longer.pairs.append((name: name, value: value))
    return longer
  }

  func has(_ name: String) -> Bool {
    pairs.contains { $0.name == name }
  }

  func text(_ name: String) throws -> String {
    guard let pair = pairs.first(where: { $0.name == name }) else {
      throw BenchError("The parameter '\(name)' is missing.")
    }
    return pair.value
  }

  func number(_ name: String) throws -> Int {
    let text = try text(name)
    guard let number = Int(text), number > 0 else {
      throw BenchError("The parameter '\(name)' must be a positive number, not '\(text)'.")
    }
    return number
  }

  static func == (left: Parameters, right: Parameters) -> Bool {
    left.arguments == right.arguments
  }
}
