import Glibc

/// A control group of one's own for what is measured, so that its memory can be read: pages of the
/// process, and what the kernel keeps for it.
///
/// Where the kernel or a container permits no such group, nothing happens, and the figure is not
/// known.
enum MemoryGroup {
  /// Names the file with the group's memory, in bytes, for whoever is measured.
  static let variable = "CORO_BENCH_GROUP_MEMORY"

  /// A hierarchy of groups that counts memory: cgroups(7).
  private struct Hierarchy {
    let root: String
    let file: String
    let isVersion2: Bool
  }

  /// Version 2, and version 1.
  private static let hierarchies = [
    Hierarchy(root: "/sys/fs/cgroup", file: "memory.current", isVersion2: true),
    Hierarchy(root: "/sys/fs/cgroup/memory", file: "memory.usage_in_bytes", isVersion2: false),
  ]

  /// Calls `body`; the processes that it starts are in a new group, and find the variable.
  static func using<Result>(_ body: () throws -> Result) rethrows -> Result {
    for hierarchy in hierarchies {
      guard let home = home(in: hierarchy) else { continue }
      let group = "\(hierarchy.root)/coro-bench-\(getpid())"
      // One that a killed run has left, perhaps of the same number.
      rmdir(group)
      guard mkdir(group, 0o755) == 0 else { continue }
      defer { rmdir(group) }
      let file = "\(group)/\(hierarchy.file)"
      // Where there is no way back there is none in.
      guard access(file, R_OK) == 0, access("\(home)/cgroup.procs", W_OK) == 0, enter(group)
      else { continue }
      setenv(variable, file, 1)
      defer {
        unsetenv(variable)
        _ = enter(home)
      }
      return try body()
    }
    return try body()
  }

  /// Where this process is, to go back to.
  private static func home(in hierarchy: Hierarchy) -> String? {
    guard let list = try? TextFile.contents(of: "/proc/self/cgroup") else { return nil }
    for line in list.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isIt =
        hierarchy.isVersion2 ? parts[0] == "0" : parts[1].split(separator: ",").contains("memory")
      if isIt { return hierarchy.root + parts[2] }
    }
    return nil
  }

  private static func enter(_ group: String) -> Bool {
    (try? TextFile.write("\(getpid())", to: "\(group)/cgroup.procs")) != nil
  }
}
