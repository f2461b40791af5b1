import Glibc

/// The peers that `scripts/build-peers` builds.
enum Peers {
  /// In the order in which reports name them.
  static let names = [
    "c-epoll", "c-io_uring", "c-io_uring-multishot", "libuv", "boost", "go", "gevent", "uvloop",
    "nio", "nio-async", "swift-concurrency",
  ]

  /// Where they are built.
  static let defaultFolder = ".build-peers"

  /// The peers of these names, and those that can't be had, with the reason.
  static func find(_ names: [String], in folder: String) -> (
    found: [Contender], missing: [Report.Missing]
  ) {
    var found: [Contender] = []
    var missing: [Report.Missing] = []
    for name in names {
      do {
        found.append(try find(name, in: folder))
      } catch {
        missing.append(Report.Missing(contender: name, reason: "\(error)"))
      }
    }
    return (found, missing)
  }

  private static func find(_ name: String, in folder: String) throws -> Contender {
    let path = "\(folder)/\(name)"
    guard access(path, X_OK) == 0 else {
      // What the script said when it tried.
      if let reason = try? TextFile.contents(of: path + ".missing"), !reason.isEmpty {
        throw BenchError(Substring(reason.filter { $0 != "\n" }).trimmed)
      }
      throw BenchError("It is not built: run scripts/build-peers \(name).")
    }
    let list = try ChildProcess.start(path, ["list"]).outputOfSuccess(limit: .seconds(30))
    return try Contender(peer: name, executable: path, list: list)
  }
}
