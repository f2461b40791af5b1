import CLinux
import Glibc

/// Where the figures come from.
struct Machine: Sendable, Equatable {
  let kernel: String
  let processor: String
  let cores: Int

  static var this: Machine {
    var name = utsname()
    uname(&name)
    let release = withUnsafeBytes(of: &name.release) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    let machine = withUnsafeBytes(of: &name.machine) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    let table = (try? TextFile.contents(of: "/proc/cpuinfo")) ?? ""
    // Not every architecture names a model.
    let model = TextFile.value(of: "model name", in: table)
    return Machine(
      kernel: "Linux \(release)", processor: model ?? machine, cores: Processors.allowed.count)
  }
}

/// What the kernel says of this process's memory, in bytes.
struct MemoryUse {
  let resident: Int
  let pageTables: Int

  static func current() throws -> MemoryUse {
    let pages = try TextFile.contents(of: "/proc/self/statm").split(separator: " ")
    let status = try TextFile.contents(of: "/proc/self/status")
    guard pages.count > 1, let resident = Int(pages[1]),
      let tables = TextFile.value(of: "VmPTE", in: status)?.split(separator: " ").first,
      let kilobytes = Int(tables)
    else { throw BenchError("The use of memory can't be read from /proc/self.") }
    return MemoryUse(
      resident: resident * Int(sysconf(CInt(_SC_PAGESIZE))), pageTables: kilobytes * 1024)
  }
}
