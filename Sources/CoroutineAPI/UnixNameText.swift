/// The name of a Unix socket, which is any bytes, as text that tells each of them.
enum UnixNameText {
  private static let backslash = UInt8(ascii: "\\")

  /// The text; `escapesFirst`: the first byte is not to be read as itself.
  static func text(of bytes: [UInt8], escapesFirst: Bool = false) -> String {
    var text = ""
    var rest = bytes[...]
    if escapesFirst, let first = rest.popFirst() { text += escaped(first) }
    while let byte = rest.first {
      if byte == backslash {
        text += "\\\\"
        rest.removeFirst()
      } else if let character = scalar(at: rest) {
        text.unicodeScalars.append(character)
        rest.removeFirst(UTF8.width(character))
      } else {
        text += escaped(byte)
        rest.removeFirst()
      }
    }
    return text
  }

  /// The bytes; nil if something else follows a backslash than the text may have there.
  static func bytes(of text: ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == backslash else {
        bytes.append(byte)
        continue
      }
      switch rest.popFirst() {
      case backslash: bytes.append(backslash)
      case UInt8(ascii: "x"):
        guard let high = digit(rest.popFirst()), let low = digit(rest.popFirst()) else {
          return nil
        }
        bytes.append(high << 4 | low)
      default: return nil
      }
    }
    return bytes
  }

  /// The character that begins there, if it is one and is no control character.
  private static func scalar(at bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
    return scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) ? nil : scalar
  }

  private static func escaped(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return byte < 16 ? "\\x0\(digits)" : "\\x\(digits)"
  }

  private static func digit(_ byte: UInt8?) -> UInt8? {
    switch byte {
    case .some(let byte) where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
      byte - UInt8(ascii: "0")
    case .some(let byte) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20):
      (byte | 0x20) - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}

extension UTF8 {
  fileprivate static func width(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case ..<0x80: 1
    case ..<0x800: 2
    case ..<0x10000: 3
    default: 4
    }
  }
}
