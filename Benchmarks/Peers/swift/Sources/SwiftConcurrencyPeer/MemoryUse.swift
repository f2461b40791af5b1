import Glibc

/// What the kernel says of the memory that is in use, in bytes.
struct MemoryUse {
  /// Of the control group, which counts what the kernel keeps for us too; NaN if the runner does
  /// not name the file that tells.
  let group: Double
  let resident: Double
  let pageTables: Double

  static func current() throws -> MemoryUse {
    let status = try contents(of: "/proc/self/status")
    return MemoryUse(
      group: try groupMemory(),
      resident: try bytes(of: "VmRSS", in: status),
      pageTables: try bytes(of: "VmPTE", in: status))
  }

  private static func groupMemory() throws -> Double {
    guard let path = getenv("CORO_BENCH_GROUP_MEMORY").map({ String(cString: $0) }) else {
      return .nan
    }
    let text = try contents(of: path)
    guard let value = Double(text.prefix { $0.isNumber }) else {
      throw UnreadableFile(path: path)
    }
    return value
  }

  /// What stands in the line "name: number kB".
  private static func bytes(of name: String, in status: String) throws -> Double {
    for line in status.split(separator: "\n") where line.hasPrefix(name + ":") {
      if let kilobytes = Double(line.filter(\.isNumber)) { return kilobytes * 1024 }
    }
    throw UnreadableFile(path: "/proc/self/status")
  }

  /// All of a small file.
  private static func contents(of path: String) throws -> String {
    guard let file = fopen(path, "re") else { throw UnreadableFile(path: path) }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 16 * 1024)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}

/// A file that does not tell what it should.
private struct UnreadableFile: Error, CustomStringConvertible {
  let path: String

  var description: String { "\(path) can't be read." }
}
