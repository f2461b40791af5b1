import CContext
import CLinux
import Glibc

/// Which limit it was that left a coroutine without a stack.
///
/// The kernel says ENOMEM for all of them, so the limits are looked up after the failure, and the
/// one that is reached is named with its remedy.
enum StackLimits {
  /// A phrase for people.
  ///
  /// - Parameters:
  ///   - reason: The errno value that mmap(2), madvise(2) or mprotect(2) failed with.
  ///   - stackSize: What was asked for; nil: the default.
  static func explanation(of reason: CInt, stackSize: Int?) -> String {
    let usable = Stack.usableSize(asked: stackSize)
    let kibibytes = usable / 1024 + (usable % 1024 > 0 ? 1 : 0)
    return "no stack of \(kibibytes) KiB: \(cause(of: reason, needing: usable))"
  }

  private static func cause(of reason: CInt, needing usable: Int) -> String {
    guard reason == ENOMEM else {
      return reason == EAGAIN
        ? "the limit of locked memory is reached (ulimit -l, RLIMIT_MEMLOCK); raise it"
        : "the kernel refuses the mapping"
    }
    if usable > 1 << 46 { return "that is more than there are addresses; ask for less" }
    // The kernel refused a stack with its guard and the room that was to be left.
    let needed = usable + Stack.guardSize + Int(CORO_STACK_HEADROOM)
    if let limit = limit(RLIMIT_AS), pages(.whole) + needed >= limit {
      return "the limit of address space is reached (ulimit -v, RLIMIT_AS: \(limit / 1024) KiB); "
        + remedy
    }
    if let limit = limit(RLIMIT_DATA), pages(.data) + needed >= limit {
      return
        "the limit of writable memory is reached (ulimit -d, RLIMIT_DATA: \(limit / 1024) KiB); "
        + remedy
    }
    if let limit = number(in: "/proc/sys/vm/max_map_count"), mappingCount + slack >= limit {
      return "the process has as many mappings as sysctl vm.max_map_count allows (\(limit)); "
        + remedy + "; from Linux 6.13 on the default stacks need few"
    }
    if number(in: "/proc/sys/vm/overcommit_memory") == 2 {
      return
        "the kernel promises no more memory than it has (sysctl vm.overcommit_memory=2), and a "
        + "stack counts as a whole; raise vm.overcommit_ratio, or have fewer coroutines at a time"
    }
    return "the machine has no memory left, or the control group (memory.max) does not allow more"
  }

  /// The kernel keeps a few mappings to itself, and between failure and look-up some may go.
  private static let slack = 8

  private static let remedy = "raise it, or have fewer coroutines at a time"

  private static func limit(_ resource: __rlimit_resource) -> Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return nil }
    return limit.rlim_cur >= rlim_t(Int.max) ? nil : Int(limit.rlim_cur)
  }

  /// The fields of /proc/self/statm.
  private enum Field: Int {
    case whole = 0
    case data = 5
  }

  /// Bytes in use.
  private static func pages(_ field: Field) -> Int {
    (number(in: "/proc/self/statm", field: field.rawValue) ?? 0) * sysconf(CInt(_SC_PAGESIZE))
  }

  private static var mappingCount: Int {
    var lines = 0
    read("/proc/self/maps") { lines += $0.count { $0 == UInt8(ascii: "\n") } }
    return lines
  }

  /// A number of a file that holds one line of them.
  private static func number(in path: String, field: Int = 0) -> Int? {
    var line: [UInt8] = []
    read(path) { line += $0 }
    let fields = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
    return field < fields.count ? Int(String(decoding: fields[field], as: UTF8.self)) : nil
  }

  private static func read(_ path: String, _ body: (ArraySlice<UInt8>) -> Void) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while case let count = Glibc.read(file, &buffer, buffer.count), count > 0 {
      body(buffer[..<count])
    }
  }
}
