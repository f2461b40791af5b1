/// A command's arguments: `--name value` pairs, and others in between.
struct Options {
  private(set) var values: [String: String] = [:]
  private(set) var others: [String] = []

  init(parsing arguments: ArraySlice<String>, known: Set<String>) throws {
    var rest = arguments
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else {
        others.append(argument)
        continue
      }
      let name = String(argument.dropFirst(2))
      guard known.contains(name) else { throw Refusal("There is no option '\(argument)' here.") }
      guard let value = rest.popFirst() else { throw Refusal("'\(argument)' needs a value.") }
      values[name] = value
    }
  }

  func text(_ name: String) throws -> String {
    guard let value = values[name] else { throw Refusal("The option '--\(name)' is missing.") }
    return value
  }

  /// - Parameter fallback: What holds if the option is not given; without one it has to be.
  func number(_ name: String, default fallback: Int? = nil) throws -> Int {
    if values[name] == nil, let fallback { return fallback }
    let text = try text(name)
    guard let number = Int(text), number > 0 else {
      throw Refusal("The option '--\(name)' must be a positive number, not '\(text)'.")
    }
    return number
  }
}
