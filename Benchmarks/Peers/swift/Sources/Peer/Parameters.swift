/// A round's parameters by name.
package struct Parameters: Sendable {
  private var values: [String: String] = [:]

  /// Reads `name=value`, each of them once.
  init(parsing arguments: [String]) throws {
    for argument in arguments {
      guard let sign = argument.firstIndex(of: "=") else {
        throw Refusal("'\(argument)' is no parameter: it must read name=value.")
      }
      let name = String(argument[..<sign])
      let value = String(argument[argument.index(after: sign)...])
      guard values.updateValue(value, forKey: name) == nil else {
        throw Refusal("The parameter '\(name)' is given twice.")
      }
    }
  }

  /// - Throws: A `Refusal` unless there are just these.
  func require(_ names: [String]) throws {
    for name in names where values[name] == nil {
      throw Refusal("The parameter '\(name)' is missing.")
    }
    for name in values.keys where !names.contains(name) {
      throw Refusal("There is no parameter '\(name)' here.")
    }
  }

  /// The value of a parameter that the round has declared.
  package func text(_ name: String, oneOf allowed: [String]) throws -> String {
    let text = try text(name)
    guard allowed.contains(text) else {
      let list = allowed.joined(separator: " or ")
      throw Refusal("The parameter '\(name)' must be \(list), not '\(text)'.")
    }
    return text
  }

  /// The same for one that is a number of something.
  package func number(_ name: String) throws -> Int {
    let text = try text(name)
    guard let number = Int(text), number > 0 else {
      throw Refusal("The parameter '\(name)' must be a positive number, not '\(text)'.")
    }
    return number
  }

  private func text(_ name: String) throws -> String {
    guard let value = values[name] else {
      throw Refusal("The parameter '\(name)' is missing.")
    }
    return value
  }
}
