import Glibc

@testable import coro_bench

/// A server in a process of its own, which ends with this object if not before.
final class ServerUnderTest {
  /// What it has printed: where clients find it.
  let address: String
  private let child: ChildProcess
  private var isEnded = false

  var process: pid_t { child.process }

  /// Starts `coro-bench serve`, and waits until it is ready.
  init(_ arguments: [String]) throws {
    child = try ChildProcess.start(Self.executable, ["serve"] + arguments)
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(child.output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
    let text = String(decoding: line, as: UTF8.self)
    let start = "listening on "
    guard text.hasPrefix(start) else {
      kill(child.process, SIGKILL)
      try? child.requireSuccess()
      close(child.output)
      throw BenchError("The server printed: \(text)")
    }
    address = String(text.dropFirst(start.count))
  }

  deinit {
    if !isEnded {
      kill(child.process, SIGKILL)
      try? child.requireSuccess()
    }
    close(child.output)
  }

  /// Ends it as a user would, and waits for its end.
  ///
  /// - Throws: If its exit status is not 0.
  func end(_ signal: CInt = SIGTERM) throws {
    kill(child.process, signal)
    isEnded = true
    try child.requireSuccess()
  }

  /// Puts a load on it.
  func load(_ load: LoadDescription) throws -> LoadResult {
    let child = try startLoading(load)
    return try LoadResult(parsing: child.outputOfSuccess(limit: .seconds(60)))
  }

  func startLoading(_ load: LoadDescription) throws -> ChildProcess {
    try ChildProcess.start(
      Self.executable, load.arguments(against: address, server: child.process))
  }

  /// It is built beside the tests.
  private static let executable: String = {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = max(0, readlink("/proc/self/exe", &path, path.count))
    let directory = path[..<count].split(separator: CChar(UInt8(ascii: "/"))).dropLast()
    let bytes = directory.map { "/" + String(decoding: $0.map(UInt8.init), as: UTF8.self) }
    return bytes.joined() + "/coro-bench"
  }()
}
