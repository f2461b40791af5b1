/// Text of HTML or SVG.
///
/// A string that is put into one is escaped, so that no name and no reason of a report can end an
/// element or an attribute: only what stands in this program's source is markup.
struct Markup: ExpressibleByStringInterpolation, Sendable {
  private(set) var text: String

  init(stringLiteral value: String) {
    text = value
  }

  init(stringInterpolation: StringInterpolation) {
    text = stringInterpolation.text
  }

  /// What is markup already, or must not be escaped.
  init(verbatim text: String) {
    self.text = text
  }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + interpolationCount * 8)
    }

    mutating func appendLiteral(_ literal: String) {
      text += literal
    }

    mutating func appendInterpolation(_ string: String) {
      text += Markup.escaped(string)
    }

    mutating func appendInterpolation(_ markup: Markup) {
      text += markup.text
    }

    mutating func appendInterpolation(_ number: Int) {
      text += String(number)
    }

    /// A coordinate, to a tenth of a unit: more can't be seen.
    mutating func appendInterpolation(_ coordinate: Double) {
      let digits = NumberText.fixed(coordinate, digits: 1)
      text += digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits
    }
  }

  static func + (left: Markup, right: Markup) -> Markup {
    Markup(verbatim: left.text + right.text)
  }

  static func += (left: inout Markup, right: Markup) {
    left.text += right.text
  }

  /// For text and for attributes in quotes; what XML permits in no form becomes U+FFFD.
  static func escaped(_ string: String) -> String {
    var result = ""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
      case "\0"..<" ", "\u{7f}", "\u{fffe}", "\u{ffff}": result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension Sequence where Element == Markup {
  func joined(separator: String = "\n") -> Markup {
    Markup(verbatim: map(\.text).joined(separator: separator))
  }
}
