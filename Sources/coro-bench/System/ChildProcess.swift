import CLinux
@preconcurrency import Glibc

/// What a program that was asked for something says with EX_USAGE (sysexits.h): it has no such
/// thing.
struct NotOffered: Error {}

/// A program that was started; what it prints comes through a pipe.
struct ChildProcess {
  let process: pid_t
  /// The end to read from; what ends the process closes it.
  let output: CInt

  /// Starts this program anew.
  static func startSelf(_ arguments: [String]) throws -> ChildProcess {
    try start("/proc/self/exe", arguments)
  }

  /// - Parameters:
  ///   - arguments: Without the program's name.
  ///   - input: Its standard input, if not that of this process.
  static func start(
    _ path: String, _ arguments: [String], input: CInt? = nil
  ) throws -> ChildProcess {
    var ends: [CInt] = [-1, -1]
    guard coro_pipe2(&ends, O_CLOEXEC) == 0 else { throw BenchError("No pipe is to be had.") }
    defer { close(ends[1]) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input { posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    // Threads that others have made may block signals, SIGTERM too; a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    // Nor shall one ignore what this process ignores.
    var ignored = sigset_t()
    sigemptyset(&ignored)
    sigaddset(&ignored, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &ignored)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

    var pointers = (["coro-bench"] + arguments).map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    var process = pid_t()
    let reason = posix_spawn(&process, path, &actions, &attributes, pointers, environ)
    guard reason == 0 else {
      close(ends[0])
      throw BenchError("\(path) can't be started: \(String(cString: strerror(reason))).")
    }
    return ChildProcess(process: process, output: ends[0])
  }

  /// Everything it prints, up to its end, which has to come within `limit`.
  ///
  /// - Throws: If it fails, or is too slow and has to be killed.
  func outputOfSuccess(limit: Duration) throws -> String {
    let text = try killing { try read(within: limit) { _ in false } }
    close(output)
    try requireSuccess()
    return text
  }

  /// What it prints first, without the line feed, as soon as that is there.
  ///
  /// - Throws: If it ends without, or is too slow; there is no such process any more then.
  func firstLine(limit: Duration) throws -> String {
    let text = try killing { try read(within: limit) { $0.contains(UInt8(ascii: "\n")) } }
    if let line = text.split(separator: "\n").first { return String(line) }
    close(output)
    try requireSuccess()
    throw BenchError("It ended, and printed nothing.")
  }

  /// Asks it by SIGTERM to end, and waits for that.
  ///
  /// - Throws: If it fails, or does not end within `limit` and is killed.
  func end(limit: Duration) throws {
    Glibc.kill(process, SIGTERM)
    _ = try outputOfSuccess(limit: limit)
  }

  /// Calls `body`; an error of it is the process's end.
  func killing<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch {
      kill()
      throw error
    }
  }

  /// Ends it at once, whatever it does.
  func kill() {
    Glibc.kill(process, SIGKILL)
    _ = wait()
    close(output)
  }

  /// What it prints, until `isEnough` says so or there is no more.
  private func read(within limit: Duration, until isEnough: ([UInt8]) -> Bool) throws -> String {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    let deadline = coro_monotonic_ns() + limit.nanoseconds
    while !isEnough(bytes) {
      var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      let milliseconds = (deadline - coro_monotonic_ns()) / 1_000_000
      if milliseconds <= 0 {
        throw BenchError("It was stopped, because it took more than \(limit).")
      }
      if poll(&entry, 1, CInt(clamping: milliseconds)) <= 0 { continue }
      let count = Glibc.read(output, &part, part.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      bytes += part[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Waits for its end.
  func requireSuccess() throws {
    let status = wait()
    let signal = status & 0x7f
    if signal != 0 { throw BenchError("It was ended by signal \(signal).") }
    let code = (status >> 8) & 0xff
    if code == EX_USAGE { throw NotOffered() }
    if code != 0 { throw BenchError("It failed with exit status \(code).") }
  }

  private func wait() -> CInt {
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status
  }
}
