import Glibc
import Testing

/// An example that runs, with its output in a pipe.
final class ChildProcess {
  let process: pid_t
  private let output: CInt
  private var received: [UInt8] = []
  private var status: CInt?

  /// Starts a program that lies beside the tests, on a backend.
  init(_ program: String, _ arguments: String..., on backend: String) throws {
    var ends: [CInt] = [-1, -1]
    try #require(pipe(&ends) == 0)
    output = ends[0]
    defer { close(ends[1]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    // The threads that run tests block signals, and the child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    var process: pid_t = 0
    let path = program.hasPrefix("/") ? program : "\(try Self.directory())/\(program)"
    let environment = ["COROUTINE_BACKEND=\(backend)", "PATH=/usr/local/bin:/usr/bin:/bin"]
    let result = Self.withCStrings([path] + arguments) { arguments in
      Self.withCStrings(environment) { environment in
        posix_spawn(&process, path, &actions, &attributes, arguments, environment)
      }
    }
    try #require(result == 0, "\(path) can't be started: \(String(cString: strerror(result)))")
    self.process = process
  }

  deinit {
    if status == nil {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
    close(output)
  }

  /// Where this program is, and the examples beside it.
  private static func directory() throws -> String {
    let link = try #require(realpath("/proc/self/exe", nil))
    defer { free(link) }
    let path = String(cString: link)
    return String(path[..<(try #require(path.lastIndex(of: "/")))])
  }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }

  // MARK: What it prints

  /// The next line, for which it has so many seconds; nil after the last one.
  func nextLine(within seconds: Int = 20) throws -> String? {
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        defer { received.removeSubrange(...end) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      try #require(poll(&entry, 1, CInt(seconds * 1000)) == 1, "no line came")
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = read(output, &buffer, buffer.count)
      if count <= 0 { return nil }
      received += buffer[..<count]
    }
  }

  /// Every line until its end.
  func lines() throws -> [String] {
    var lines: [String] = []
    while let line = try nextLine() { lines.append(line) }
    return lines
  }

  /// The port in its "listening on 127.0.0.1:PORT".
  func listeningPort() throws -> UInt16 {
    let line = try #require(try nextLine())
    try #require(line.hasPrefix("listening on 127.0.0.1:"), "it says: \(line)")
    return try #require(UInt16(line.drop { $0 != ":" }.dropFirst()))
  }

  // MARK: Its end

  func send(_ signal: CInt) {
    kill(process, signal)
  }

  /// Its exit code, or nil if a signal ended it.
  func waitForExit() throws -> CInt? {
    _ = try lines()  // Its output ends when it does, and that has a time limit.
    var status: CInt = 0
    try #require(waitpid(process, &status, 0) == process)
    self.status = status
    return status & 0x7F == 0 ? status >> 8 : nil
  }
}
