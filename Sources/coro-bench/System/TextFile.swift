import CLinux
import Glibc

/// Small files of /proc, read whole.
enum TextFile {
  static func contents(of path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw BenchError("\(path) can't be opened.") }
    defer { close(descriptor) }
    return try contents(of: descriptor)
  }

  /// Reads to the end, and leaves the descriptor open.
  static func contents(of descriptor: CInt) throws -> String {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &part, part.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw BenchError("Descriptor \(descriptor) can't be read.") }
      if count == 0 { break }
      bytes += part[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
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
