/// Numbers of which some may be infinite or none at all, for which JSON has no word but null.
protocol NullableInJSON {
  /// The same with nil for each number that is not finite.
  associatedtype Stored: Codable
  var stored: Stored { get }
  init(stored: Stored)
}

/// Encodes a property with null where it is not finite, and decodes null as NaN.
@propertyWrapper
struct NullInJSON<Value: NullableInJSON>: Codable {
  let wrappedValue: Value

  init(wrappedValue: Value) {
    self.wrappedValue = wrappedValue
  }

  init(from decoder: any Decoder) throws {
    wrappedValue = Value(stored: try decoder.singleValueContainer().decode(Value.Stored.self))
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue.stored)
  }
}

extension NullInJSON: Sendable where Value: Sendable {}

extension Double: NullableInJSON {
  var stored: Double? { isFinite ? self : nil }

  init(stored: Double?) {
    self = stored ?? .nan
  }
}

extension Array: NullableInJSON where Element: NullableInJSON {
  var stored: [Element.Stored] { map(\.stored) }

  init(stored: [Element.Stored]) {
    self = stored.map(Element.init(stored:))
  }
}

extension LatencyPoint: NullableInJSON {
  var stored: [Double?] { [quantile.stored, value.stored] }

  init(stored: [Double?]) {
    quantile = Double(stored: stored.first ?? nil)
    value = Double(stored: stored.dropFirst().first ?? nil)
  }
}
