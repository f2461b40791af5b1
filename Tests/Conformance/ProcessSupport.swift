import CLinux
import CoroutineAPI
import Glibc
import SystemPackage
import Testing

/// A shell that runs a command, made by posix_spawn(3).
struct Child {
  let process: pid_t

  /// Starts `sh -c command`.
  init(_ command: String, input: CInt = 0, output: CInt) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if input != 0 { posix_spawn_file_actions_adddup2(&actions, input, 0) }
    if output != 1 { posix_spawn_file_actions_adddup2(&actions, output, 1) }
    var process: pid_t = 0
    let result = withArguments(["/bin/sh", "-c", command]) {
      posix_spawn(&process, "/bin/sh", &actions, nil, $0, environ)
    }
    try #require(result == 0, "posix_spawn fails with errno \(result)")
    self.process = process
  }

  /// Blocks until it has ended; its exit code, or nil if a signal ended it.
  func wait() -> CInt? {
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 : nil
  }
}

/// The ways in which a program starts another one.
enum Starter: CaseIterable, Sendable {
  case spawn
  case system
  case forkAndExec

  /// Starts a command with its output in a descriptor, and waits for its end where `system` does.
  private func start(_ command: String, output: CInt) throws -> Child? {
    switch self {
    case .spawn: return try Child(command, output: output)
    case .system:
      // It passes our own standard output on, hence the detour through the descriptor's path.
      let result = Glibc.system("{ \(command); } > /proc/\(getpid())/fd/\(output)")
      try #require(result == 0)
      return nil
    case .forkAndExec: return try forked(command, output: output)
    }
  }

  /// A command's output, read by the calling coroutine.
  func output(of command: String) throws -> String {
    let (reader, writer) = try Coroutine.pipe()
    let child = try start(command, output: writer.fileDescriptor.rawValue)
    try writer.close()
    let bytes = try readToEnd(reader)
    _ = child?.wait()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The same without a loop.
  func outputBlocking(of command: String) throws -> String {
    var ends: [CInt] = [-1, -1]
    try #require(coro_pipe2(&ends, O_CLOEXEC) == 0)
    let child = try start(command, output: ends[1])
    close(ends[1])
    defer { close(ends[0]) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = read(ends[0], &buffer, buffer.count), count > 0 {
      bytes += buffer[..<count]
    }
    _ = child?.wait()
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The signals that a process blocks and ignores, as the kernel prints them.
struct SignalMasks: Equatable {
  static let command = "grep -E '^Sig(Blk|Ign)' /proc/self/status"

  let blocked: UInt64
  let ignored: UInt64

  init(text: String) throws {
    var masks: [Substring: UInt64] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == ":" || $0 == "\t" })
      if words.count == 2 { masks[words[0]] = UInt64(words[1], radix: 16) }
    }
    blocked = try #require(masks["SigBlk"], "\(text)")
    ignored = try #require(masks["SigIgn"], "\(text)")
  }
}

/// Runs `body` with SIGPIPE at its default, as a process has it at first.
func withDefaultPipeSignal(_ body: () throws -> Void) rethrows {
  let before = setDisposition(of: SIGPIPE, .defaultAction)
  defer { setDisposition(of: SIGPIPE, before) }
  try withUnblockedSignals(body)
}

func expectBrokenPipe(_ body: () throws(CoroutineError) -> Void) {
  do throws(CoroutineError) {
    try body()
    Issue.record("the bytes were taken, although nobody reads them")
  } catch {
    #expect(error.code == .system)
    #expect(error.errno == .brokenPipe)
  }
}

private func withArguments<Result>(
  _ arguments: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let copies = arguments.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return body(copies + [nil])
}

/// Starts a shell with fork(2) and execv(3).
///
/// The child calls nothing but what is safe after fork in a process with threads.
private func forked(_ command: String, output: CInt) throws -> Child {
  let process = withArguments(["/bin/sh", "-c", command]) { arguments in
    let process = forkProcess()
    if process == 0 {
      dup2(output, 1)
      execv("/bin/sh", arguments)
      _exit(127)
    }
    return process
  }
  try #require(process > 0)
  return Child(process: process)
}

/// fork(2), which Swift hides, since it is rarely what one wants; other libraries call it all the
/// same.
func forkProcess() -> pid_t {
  typealias Fork = @convention(c) () -> pid_t
  return function("fork", as: Fork.self)()
}

extension Child {
  init(process: pid_t) {
    self.process = process
  }
}

/// A function of libc's that Swift's module doesn't show.
func function<Function>(_ name: String, as type: Function.Type) -> Function {
  guard let address = dlsym(nil, name) else { fatalError("libc has no function \(name).") }
  return unsafeBitCast(address, to: type)
}
