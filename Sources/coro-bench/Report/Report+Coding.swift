import FoundationEssentials

extension Report {
  /// As JSON that is the same for the same report, and that can be read.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Reads what `json` writes.
  ///
  /// - Parameter name: What the text comes from, for the error.
  /// - Throws: A `BenchError` that says what is wrong at which place.
  init(json: String, from name: String) throws {
    let data = Data(json.utf8)
    do {
      let version = try JSONDecoder().decode(Version.self, from: data).version
      guard version == Self.currentVersion else {
        throw BenchError(
          "\(name) is a report of version \(version); this program reads \(Self.currentVersion).")
      }
      self = try JSONDecoder().decode(Report.self, from: data)
    } catch let error as DecodingError {
      throw BenchError("\(name) is no report of coro-bench: \(Self.sentence(error))")
    }
  }

  /// The present moment in ISO 8601 and UTC, to the second.
  static func timestamp() -> String {
    Date.now.ISO8601Format()
  }

  /// What is looked at first: the rest may be anything.
  private struct Version: Decodable {
    let version: Int
  }

  private static func sentence(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      return "\(place(context)) has no '\(key.stringValue)'."
    case .valueNotFound(_, let context):
      return "\(place(context)) is null."
    case .typeMismatch(_, let context):
      return "\(place(context)) is of another type. \(context.debugDescription)"
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      return "it is no JSON."
    case .dataCorrupted(let context):
      return "\(place(context)) can't be read. \(context.debugDescription)"
    @unknown default:
      return "\(error)"
    }
  }

  /// Where it is, as in "results[2].median".
  private static func place(_ context: DecodingError.Context) -> String {
    var text = ""
    for key in context.codingPath {
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += (text.isEmpty ? "" : ".") + key.stringValue
      }
    }
    return text.isEmpty ? "it" : text
  }
}
