import CLinux
import Glibc

/// Files of text, read and written whole.
enum TextFile {
  static func contents(of path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, "opened") }
    defer { close(descriptor) }
    return try contents(of: descriptor, called: path)
  }

  /// Reads to the end, and leaves the descriptor open.
  ///
  /// - Parameter name: What an error calls it.
  static func contents(of descriptor: CInt, called name: String) throws -> String {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &part, part.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(name, "read") }
      if count == 0 { break }
      bytes += part[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Makes the file, or writes over what it holds.
  static func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(path, "written") }
    defer { close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure(path, "written") }
      rest = rest.dropFirst(count)
    }
  }

  private static func failure(_ name: String, _ done: String) -> BenchError {
    BenchError("\(name) can't be \(done): \(String(cString: strerror(errno))).")
  }

  /// What follows `key` and a colon on its line.
  static func value(of key: String, in text: String) -> String? {
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      guard line[line.startIndex..<colon].trimmed == key else { continue }
      return line[line.index(after: colon)...].trimmed
    }
    return nil
  }
}

extension Substring {
  var trimmed: String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}
