import CLinux
import Glibc

/// Where the figures come from, and what helps to judge them.
struct Machine: Codable, Sendable, Equatable {
  let kernel: String
  let processor: String
  /// Those that this process may use.
  let cores: Int
  /// In bytes.
  var memory: Int?
  /// How the kernel chooses the processor's frequency, if it says so.
  var governor: String?
  /// How many programs wanted to run in the last minute.
  var load: Double?
  /// What compiled this program: "Swift 6.3, release".
  var compiler: String?

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
    let processors = Processors.allowed
    return Machine(
      kernel: "Linux \(release)", processor: model ?? machine, cores: processors.count,
      memory: memoryInBytes, governor: governor(of: processors.first ?? 0),
      load: loadOfLastMinute, compiler: compiler)
  }

  private static var memoryInBytes: Int? {
    let table = (try? TextFile.contents(of: "/proc/meminfo")) ?? ""
    let words = TextFile.value(of: "MemTotal", in: table)?.split(separator: " ")
    return words?.first.flatMap { Int($0) }.map { $0 * 1024 }
  }

  private static func governor(of processor: CInt) -> String? {
    let path = "/sys/devices/system/cpu/cpu\(processor)/cpufreq/scaling_governor"
    return (try? TextFile.contents(of: path))?.split(separator: "\n").first.map(String.init)
  }

  private static var loadOfLastMinute: Double? {
    let words = (try? TextFile.contents(of: "/proc/loadavg"))?.split(separator: " ")
    return words?.first.flatMap { Double($0) }
  }

  /// No name is known at run time, so these are the versions that may be asked for.
  private static var compiler: String {
    #if compiler(>=6.5)
      let version = "Swift 6.5 or later"
    #elseif compiler(>=6.4)
      let version = "Swift 6.4"
    #else
      let version = "Swift 6.3"
    #endif
    #if DEBUG
      return "\(version), debug"
    #else
      return "\(version), release"
    #endif
  }
}
