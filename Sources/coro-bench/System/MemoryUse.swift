import Glibc

/// What the kernel says of this process's memory, in bytes.
struct MemoryUse {
  /// Of the control group, which may hold other processes too; NaN where nobody says where to read
  /// it.
  let group: Double
  let resident: Double
  let pageTables: Double

  static func current() throws -> MemoryUse {
    let status = try TextFile.contents(of: "/proc/self/status")
    return MemoryUse(
      group: try groupMemory(), resident: try bytes("VmRSS", in: status),
      pageTables: try bytes("VmPTE", in: status))
  }

  /// The number in the file that the environment names.
  private static func groupMemory() throws -> Double {
    guard let path = getenv(MemoryGroup.variable).map({ String(cString: $0) }) else {
      return .nan
    }
    let text = try TextFile.contents(of: path)
    guard let number = text.split(separator: "\n").first.flatMap({ Double($0) }) else {
      throw BenchError("\(path) holds no number, but: \(text)")
    }
    return number
  }

  /// What /proc/self/status says under this name.
  static func bytes(_ name: String, in status: String) throws -> Double {
    let words = TextFile.value(of: name, in: status)?.split(separator: " ")
    guard let kilobytes = words?.first.flatMap({ Double($0) }) else {
      throw BenchError("/proc/self/status doesn't tell \(name).")
    }
    return kilobytes * 1024
  }
}
