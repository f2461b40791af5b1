/// A value of JSON (RFC 8259), with the members of objects in the order given.
enum JSON: Equatable {
  case object([Member])
  case array([JSON])
  case string(String)
  case number(Double)
  case integer(Int)
  case bool(Bool)

  struct Member: Equatable {
    let name: String
    let value: JSON

    init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// The text, indented; an array of numbers stays on one line.
  func text(indentation: String = "") -> String {
    let inner = indentation + "  "
    switch self {
    case .object(let members):
      let lines = members.map {
        "\(inner)\(Self.quoted($0.name)): \($0.value.text(indentation: inner))"
      }
      return Self.enclosed("{", lines, "}", indentation)
    case .array(let values) where values.allSatisfy(\.isScalar):
      return "[" + values.map { $0.text() }.joined(separator: ", ") + "]"
    case .array(let values):
      return Self.enclosed(
        "[", values.map { inner + $0.text(indentation: inner) }, "]", indentation)
    case .string(let string): return Self.quoted(string)
    // JSON has no infinity and no NaN.
    case .number(let number): return number.isFinite ? "\(number)" : "null"
    case .integer(let number): return "\(number)"
    case .bool(let value): return "\(value)"
    }
  }

  private var isScalar: Bool {
    switch self {
    case .object, .array: false
    case .string, .number, .integer, .bool: true
    }
  }

  private static func enclosed(
    _ open: String, _ lines: [String], _ close: String, _ indentation: String
  ) -> String {
    if lines.isEmpty { return open + close }
    return "\(open)\n\(lines.joined(separator: ",\n"))\n\(indentation)\(close)"
  }

  private static func quoted(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
