import CTestSupport
import Coroutines
@preconcurrency import Glibc

/// Makes every system call that the library makes, in small steps that do not depend on each other,
/// and prints a line for each: what came of it, or the errors that it met.
///
/// What stands between two calls of getppid(2), which nothing else makes, is what the kernel may
/// refuse. A step whose call was refused must say so, all the others must read as ever.
func tour() {
  let tour = Tour()
  let before = openDescriptors()
  _ = getppid()
  tour.part("pipes") { tour.pipes() }
  tour.part("sockets") { tour.sockets() }
  tour.part("more-sockets") { tour.moreSockets() }
  tour.part("once") { tour.once() }
  tour.part("signals") { tour.signals() }
  tour.part("stacks") { tour.stacks() }
  _ = getppid()
  for line in tour.lines { print(line) }
  // The descriptor of the signals' eventfd is kept for the next loop.
  print("descriptors: \(openDescriptors() - before)")
}

/// The steps of a tour, and what came of them.
final class Tour {
  private(set) var lines: [String] = []
  private var name = ""
  private var failures: [any Error] = []

  /// A loop of its own.
  func part(_ name: String, _ body: () -> Void) {
    self.name = name
    do {
      try Coroutine.run(on: .automatic) { body() }
      lines.append("\(name): ended")
    } catch {
      lines.append("\(name): \(text(error))")
    }
  }

  func step(_ step: String, _ body: () throws -> String) {
    failures = []
    var text = ""
    note { text = try body() }
    let reports = failures.isEmpty ? [text] : failures.map(self.text)
    lines.append("\(name)/\(step): \(reports.joined(separator: " AND "))")
  }

  /// Keeps the error, for the step's line.
  func note(_ body: () throws -> Void) {
    do { try body() } catch { failures.append(error) }
  }

  /// Runs `other` in a coroutine of its own beside `here`, and waits for both.
  func both(_ other: @escaping () throws -> Void, _ here: () throws -> Void) {
    let coroutine = Coroutine { self.note(other) }
    coroutine.start()
    note(here)
    note { try coroutine.join() }
  }

  private func text(_ error: any Error) -> String {
    guard let error = error as? CoroutineError else { return "error \(error)" }
    let errno = error.errno.map { test_errno_name($0.rawValue).map { String(cString: $0) } ?? "?" }
    return "error \(error.code) \(errno ?? "-") [\(error.call)] [\(error.operands)] \(error)"
  }
}

/// How many descriptors the process has.
func openDescriptors() -> Int {
  guard let directory = opendir("/proc/self/fd") else { fatalError("/proc: errno \(errno)") }
  defer { closedir(directory) }
  var count = -3  // ".", ".." and the directory's own
  while readdir(directory) != nil { count += 1 }
  return count
}

/// Bytes that tell their place.
func pattern(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}
