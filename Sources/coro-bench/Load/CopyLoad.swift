import CBench
import CLinux
import Glibc

/// What a program that copies its standard input to its standard output achieved.
struct CopyResult: Equatable {
  var bytes = 0
  /// How long they took.
  var nanoseconds: Int64 = 0
  /// The program's CPU time meanwhile.
  var processorNanoseconds: Int64 = 0

  /// CPU time in nanoseconds for each KiB, and MiB in a second.
  var figures: [Double] {
    [
      Double(processorNanoseconds) * 1024 / Double(bytes),
      Double(bytes) / 1_048_576 * 1e9 / Double(nanoseconds),
    ]
  }
}

/// Feeds such a program with zeros and drains it, both without copying, so that it is the program
/// that is measured and not its load.
final class CopyLoad {
  private static let pipeSize = 1_048_576

  private let child: ChildProcess
  /// To the program's standard input; negative once it is closed.
  private var feed: CInt
  private let null: CInt
  private let zeros: UnsafeMutableRawBufferPointer
  private var fed = 0
  private var drained = 0
  private var isAtEnd = false
  private let deadline: Int64

  /// Starts the program; see `ChildProcess`.
  ///
  /// - Parameter limit: How long it may take from now to its end.
  init(_ path: String, _ arguments: [String], limit: Duration) throws {
    deadline = coro_monotonic_ns() + limit.nanoseconds
    var ends: [CInt] = [-1, -1]
    guard coro_pipe2(&ends, O_CLOEXEC) == 0 else { throw BenchError("No pipe is to be had.") }
    defer { close(ends[0]) }
    do {
      child = try ChildProcess.start(path, arguments, input: ends[0])
    } catch {
      close(ends[1])
      throw error
    }
    feed = ends[1]
    // With less, the two take turns, and how fast the machine wakes them is what is measured.
    for pipe in [feed, child.output] { bench_widen(pipe, CInt(Self.pipeSize)) }
    null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    zeros = .allocate(byteCount: Self.pipeSize, alignment: 4096)
    zeros.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit {
    closeFeed()
    close(null)
    zeros.deallocate()
  }

  /// Measures for `duration`, after a quarter of it for what is only slow at first; both begin when
  /// the program has started and copied something.
  ///
  /// - Throws: If the program doesn't copy every byte, fails at the end of file, or is too slow;
  ///   it is gone in any case.
  func run(duration: Duration) throws -> CopyResult {
    // The program may end too early: that is told by its status.
    signal(SIGPIPE, SIG_IGN)
    let (first, last) = try child.killing { try measure(duration) }
    close(child.output)
    try child.requireSuccess()
    guard fed == drained else { throw BenchError("Of \(fed) bytes \(drained) were copied.") }
    guard let first, let last else { throw BenchError("It ended before its input did.") }
    guard last.bytes > first.bytes else { throw BenchError("It was stuck half way.") }
    return CopyResult(
      bytes: last.bytes - first.bytes, nanoseconds: last.nanoseconds - first.nanoseconds,
      processorNanoseconds: last.processorNanoseconds - first.processorNanoseconds)
  }

  /// Feeds and drains to the end of what the program writes.
  ///
  /// - Returns: What it had done at the beginning of what is measured, and at its end; nil if it
  ///   was over by then.
  private func measure(_ duration: Duration) throws -> (CopyResult?, CopyResult?) {
    while drained == 0, !isAtEnd { try move(until: coro_monotonic_ns() + 1_000_000) }
    try move(until: coro_monotonic_ns() + duration.nanoseconds / 4)
    let first = try measurement()
    try move(until: coro_monotonic_ns() + duration.nanoseconds)
    let last = try measurement()
    closeFeed()
    try move(until: .max)
    return (first, last)
  }

  private func measurement() throws -> CopyResult? {
    // An ended program has no CPU time left to tell.
    if isAtEnd { return nil }
    return CopyResult(
      bytes: drained, nanoseconds: coro_monotonic_ns(),
      processorNanoseconds: try ProcessorTime.of(process: child.process))
  }

  /// Feeds and drains until then, or until the end of what the program writes.
  private func move(until end: Int64) throws {
    while !isAtEnd, coro_monotonic_ns() < end {
      guard coro_monotonic_ns() < deadline else {
        throw BenchError("It was stopped, because it took too long.")
      }
      // A negative descriptor is left out.
      var entries = [
        pollfd(fd: feed, events: Int16(POLLOUT), revents: 0),
        pollfd(fd: child.output, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&entries, 2, 100) >= 0 || errno == EINTR else { throw failure("waited for") }
      if entries[1].revents != 0 {
        let count = bench_drain(child.output, null, zeros.count)
        guard count >= 0 || errno == EAGAIN else { throw failure("drained") }
        drained += max(0, count)
        isAtEnd = count == 0
      }
      if entries[0].revents != 0 {
        let count = bench_feed(feed, zeros.baseAddress, zeros.count)
        guard count >= 0 || errno == EAGAIN || errno == EPIPE else { throw failure("fed") }
        fed += max(0, count)
        if count < 0, errno == EPIPE { closeFeed() }
      }
    }
  }

  private func closeFeed() {
    if feed >= 0 { close(feed) }
    feed = -1
  }

  private func failure(_ done: String) -> BenchError {
    BenchError("The program can't be \(done): \(String(cString: strerror(errno))).")
  }
}
