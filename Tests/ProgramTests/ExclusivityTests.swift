import Foundation
import Testing

/// `COROUTINE_EXCLUSIVITY`, which each program reads for itself.
@Suite struct ExclusivityModes {
  func run(_ program: String, _ mode: String) throws -> ChildProcess {
    try ChildProcess("test-programs", program, environment: ["COROUTINE_EXCLUSIVITY": mode])
  }

  @Test(arguments: ["", "separate", "report", "shared", "calls"])
  func `every mode runs coroutines`(mode: String) throws {
    let child = try run("chain-after-end", mode)
    #expect(child.output == "main ends\nchild ends\ngrandchild ends\n")
    #expect(child.errors == "")
  }

  @Test(arguments: ["", "separate", "report", "calls"])
  func `separate lists let modifications of two coroutines overlap`(mode: String) throws {
    let child = try run("exclusivity-overlap", mode)
    #expect(child.output == "no trap\n")
    #expect(child.status == 0)
  }

  @Test func `one shared list traps where modifications of two coroutines overlap`() throws {
    let child = try run("exclusivity-overlap", "shared")
    #expect(child.errors.contains("Simultaneous accesses"), "\(child.errors)")
    #expect(child.output == "")
    #expect(child.isSignalled)
  }

  @Test(arguments: ["", "separate", "report", "shared", "calls"])
  func `an overlap within one coroutine traps`(mode: String) throws {
    let child = try run("exclusivity-within", mode)
    #expect(child.errors.contains("Simultaneous accesses"), "\(child.errors)")
    #expect(child.isSignalled)
  }

  @Test func `a report names the coroutine, its wait and the place, once`() throws {
    let child = try run("exclusivity-report", "report")
    #expect(child.output == "ends\n")
    let lines = child.errors.split(separator: "\n")
    #expect(lines.count == 1, "\(child.errors)")
    let line = try #require(lines.first)
    #expect(line.hasPrefix("worker (ident "))
    #expect(line.contains("waits to read from descriptor "))
    #expect(line.contains(" while a modification is open that began in "))
    // The property's accessor, or the function that it was inlined into.
    #expect(line.contains("ReportedCell"))
    #expect(line.contains("test-programs+0x"))
  }

  @Test func `without a modification that waits there is no report`() throws {
    let child = try run("exclusivity-silence", "report")
    #expect(child.output == "ends\n")
    #expect(child.errors == "")
  }

  @Test func `without being asked for there is no report`() throws {
    let child = try run("exclusivity-report", "")
    #expect(child.output == "ends\n")
    #expect(child.errors == "")
  }

  @Test func `an unknown mode is an error that lists the known`() throws {
    let child = try run("environment", "shred")
    #expect(child.output.contains("COROUTINE_EXCLUSIVITY=shred"), "\(child.output)")
    #expect(child.output.contains("separate, report, shared, calls"))
  }
}
