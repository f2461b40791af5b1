import Coroutines
import Foundation
import Testing

/// What a program's operator sees: dumps, the watchdog's lines, and the advice of a trap.
@Suite struct Reports {
  func run(_ program: String, on backend: String) throws -> ChildProcess {
    try ChildProcess("test-programs", program, environment: ["COROUTINE_BACKEND": backend])
  }

  @Test(arguments: Programs.backends)
  func `a signal dumps every coroutine, and the program goes on`(backend: String) throws {
    let child = try run("dump-on-signal", on: backend)
    #expect(child.output == "ready\ngoes on\n")
    let lines = child.errors.split(separator: "\n")
    try #require(lines.count == 3, "\(child.errors)")
    #expect(lines[0].hasPrefix("2 coroutines in the loop of thread "))
    #expect(lines[0].hasSuffix(", on \(backend):"))
    #expect(lines[1].hasPrefix("  MainCoroutine (ident 1) sleeps, for "))
    #expect(lines[2].hasPrefix("  sleeper (ident "))
    #expect(lines[2].contains(" s left; started by MainCoroutine (ident 1)"))
  }

  @Test(arguments: Programs.backends)
  func `the watchdog names who holds the thread`(backend: String) throws {
    let child = try run("watchdog", on: backend)
    #expect(child.errors.hasPrefix("Watchdog: hog (ident "), "\(child.errors)")
    #expect(child.errors.hasSuffix("no other coroutine could run.\n"))
    #expect(child.errors.split(separator: "\n").count == 1)
    #expect(child.status == 0)
  }

  @Test(arguments: Programs.backends)
  func `cancelling from another loop traps with advice`(backend: String) throws {
    let child = try run("cancel-in-another-loop", on: backend)
    #expect(child.errors.contains("mine belongs to another thread's loop. Cancel it there."))
    #expect(child.isSignalled)
  }
}
