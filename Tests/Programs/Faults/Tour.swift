import CTestSupport
import Coroutines
import SystemPackage
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
  // The descriptor of the signals' eventfd is kept for the next loop.
  let lines = tour.lines + ["descriptors: \(openDescriptors() - before)\n"]
  // Not by print: the call may still be one that is refused.
  var text = lines.joined(separator: "\n")
  text.withUTF8 { bytes in
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = write(STDOUT_FILENO, UnsafeBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { break }
    }
  }
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
      try Coroutine.run(on: .automatic) {
        Coroutine.uncaughtErrorHook = { self.failures.append($1) }
        body()
      }
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
  ///
  /// Without `other`, for which there may be no stack, `here` would wait for ever.
  func both(_ other: @escaping () throws -> Void, _ here: () throws -> Void) {
    var hasBegun = false
    let coroutine = Coroutine {
      hasBegun = true
      self.note(other)
    }
    coroutine.start()
    if hasBegun { note(here) }
    note { try coroutine.join() }
  }

  /// Adopts a descriptor, which stays ours if that fails.
  func adopt<Adopted>(
    _ descriptor: CInt, _ make: (FileDescriptor) throws -> Adopted
  ) throws -> Adopted {
    do {
      return try make(FileDescriptor(rawValue: descriptor))
    } catch {
      _ = Glibc.close(descriptor)
      throw error
    }
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
