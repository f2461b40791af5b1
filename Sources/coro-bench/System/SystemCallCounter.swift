import CBench
import CLinux
import Glibc

/// Counts the system calls that another process begins, by the kernel's tracepoint: the process is
/// not stopped, and hardly slower.
struct SystemCallCounter: ~Copyable {
  private let descriptors: [CInt]

  /// Begins to count.
  ///
  /// - Throws: If that is not permitted, or there is no such process.
  init(process: pid_t) throws {
    let identifier = try Self.tracepoint
    var descriptors: [CInt] = []
    var known: Set<pid_t> = []
    // Again, until there are no others: one that is not counted yet may have made some.
    while case let new = try Self.threads(of: process).filter({ !known.contains($0) }),
      !new.isEmpty
    {
      known.formUnion(new)
      for thread in new {
        let descriptor = bench_count_tracepoint(thread, identifier)
        if descriptor >= 0 { descriptors.append(descriptor) }
        // It may be gone by now.
        if descriptor >= 0 || errno == ESRCH { continue }
        let reason = String(cString: strerror(errno))
        for one in descriptors { close(one) }
        throw BenchError("System calls can't be counted: \(reason).")
      }
    }
    guard !descriptors.isEmpty else { throw BenchError("There is no process \(process).") }
    self.descriptors = descriptors
  }

  deinit {
    for descriptor in descriptors { close(descriptor) }
  }

  /// How many there were since then.
  func count() throws -> Int {
    try descriptors.reduce(0) { sum, descriptor in
      var count: UInt64 = 0
      guard read(descriptor, &count, 8) == 8 else {
        throw BenchError("The count of system calls can't be read.")
      }
      return sum + Int(count)
    }
  }

  /// Of every system call's beginning.
  static var tracepoint: UInt {
    get throws {
      let event = "events/raw_syscalls/sys_enter/id"
      for root in ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] {
        guard let text = try? TextFile.contents(of: "\(root)/\(event)") else { continue }
        if let number = UInt(text.prefix { $0 != "\n" }) { return number }
      }
      throw BenchError(
        "System calls can't be counted: that needs root, and 'mount -t tracefs none "
          + "/sys/kernel/tracing' where it is not mounted.")
    }
  }

  private static func threads(of process: pid_t) throws -> [pid_t] {
    guard let folder = opendir("/proc/\(process)/task") else {
      throw BenchError("There is no process \(process).")
    }
    defer { closedir(folder) }
    var threads: [pid_t] = []
    while let entry = readdir(folder) {
      // In place: the kernel wrote no more of the entry than its name needs.
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let number = pid_t(name) { threads.append(number) }
    }
    return threads
  }
}
