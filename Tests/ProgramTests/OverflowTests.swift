import Foundation
import Testing

/// A stack overflow says whose stack it was, and the process dies as it would have.
///
/// A sanitizer has a handler and a signal stack of its own, and ends the process in another way.
@Suite(.enabled(if: !Sanitizers.isInstrumented, "built with a sanitizer"))
struct Overflows {
  private func run(_ program: String, environment: [String: String] = [:]) throws -> ChildProcess {
    try ChildProcess(
      "test-programs", program, environment: environment.merging(["COROUTINE_BACKEND": ""]) { $1 })
  }

  /// The report of a coroutine with a stack that is not its thread's.
  private func report(_ name: String, kibibytes: Int, of child: ChildProcess) -> Bool {
    let pattern =
      "Fatal: stack overflow in coroutine \(name) \\(ident [0-9]+\\): its stack of "
      + "\(kibibytes) KiB is full\\..* Coroutine\\(stackSize: \(kibibytes * 4) \\* 1024\\)\n"
    return child.errors.range(of: "^\(pattern)$", options: .regularExpression) != nil
  }

  @Test(arguments: [
    ("overflow-named", "deep digger", 196), ("overflow-of-own-size", "wide", 1024),
    ("overflow-on-thread", "aside", 196), ("overflow-after-switches", "third", 196),
    ("overflow-large-frames", "frames", 196),
  ])
  func `the report names the coroutine and its stack`(
    program: String, name: String, kibibytes: Int
  ) throws {
    let child = try run(program)
    #expect(report(name, kibibytes: kibibytes, of: child), "\(child.errors)")
    #expect(child.isSignalled && child.status == SIGSEGV)
  }

  @Test func `a guard by protection is one too`() throws {
    let child = try run("overflow-named", environment: ["COROUTINE_STACK_GUARD": "mprotect"])
    #expect(report("deep digger", kibibytes: 196, of: child), "\(child.errors)")
    #expect(child.isSignalled && child.status == SIGSEGV)
  }

  @Test func `a coroutine without a name is reported by its number`() throws {
    let child = try run("overflow-unnamed")
    let name = child.output.trimmingCharacters(in: .newlines)
    #expect(name.hasPrefix("Coroutine-"))
    #expect(report(name, kibibytes: 196, of: child), "\(child.errors)")
  }

  @Test(arguments: ["overflow-of-main", "overflow-of-thread"])
  func `the overflow of a thread's own stack is reported`(program: String) throws {
    let child = try run(program)
    #expect(child.errors.contains("in coroutine MainCoroutine (ident"), "\(child.errors)")
    #expect(child.errors.contains("the stack of its thread"))
    #expect(child.isSignalled && child.status == SIGSEGV)
  }

  @Test func `in a forked child too`() throws {
    let child = try run("overflow-in-child")
    #expect(report("child's", kibibytes: 196, of: child), "\(child.errors)")
    #expect(child.output == "child ends with signal \(SIGSEGV)\n")
  }

  // MARK: Handlers

  @Test(arguments: ["overflow-handler", "overflow-handler-with-information"])
  func `a handler that was there before is called after the report`(program: String) throws {
    let child = try run(program)
    #expect(report("deep", kibibytes: 196, of: child), "\(child.errors)")
    #expect(child.output == "handled\n")
    #expect(child.status == 9 && !child.isSignalled)
  }

  @Test func `a handler that is installed later takes our place`() throws {
    let child = try run("overflow-handler-later")
    #expect(child.output == "handled\n" && child.errors.isEmpty)
    #expect(child.status == 9 && !child.isSignalled)
  }

  @Test func `a handler for one signal is called once`() throws {
    let child = try run("overflow-handler-once")
    #expect(report("deep", kibibytes: 196, of: child), "\(child.errors)")
    #expect(child.output == "handled\n")
    #expect(child.isSignalled && child.status == SIGSEGV)
  }

  @Test func `a handler that repairs the fault goes on doing so`() throws {
    let child = try run("fault-repaired")
    #expect(child.output == "7\n7\n7\n" && child.errors.isEmpty)
    #expect(child.status == 0)
  }

  @Test(arguments: ["fault-null", "fault-sent"])
  func `other faults are not ours`(program: String) throws {
    let child = try run(program)
    #expect(child.errors.isEmpty && child.output.isEmpty)
    #expect(child.isSignalled && child.status == SIGSEGV)
  }

  @Test func `an ignored signal that somebody sends stays ignored`() throws {
    let child = try run("fault-sent-ignored")
    #expect(child.output == "ignored\n" && child.status == 0)
  }

  @Test func `Swift's backtrace follows the report`() throws {
    let settings = "enable=yes,interactive=no,color=no,threads=crashed,registers=none,images=none"
    let child = try run("overflow-named", environment: ["SWIFT_BACKTRACE": settings])
    #expect(child.errors.contains("Fatal: stack overflow in coroutine deep digger"))
    // Where the backtracer is not installed there is none to follow.
    if child.errors.contains("Program crashed") { #expect(child.errors.contains("descend")) }
    #expect(child.isSignalled && child.status == SIGSEGV)
  }

  // MARK: The alternate signal stack

  @Test func `a loop's thread has a signal stack, and its own one is left alone`() throws {
    let child = try run("signal-stack")
    #expect(
      child.output == """
        before: 0
        inside: true
        after: 0
        own inside: 100000
        own after: 100000

        """)
  }
}

/// Where another handler was there from the beginning.
@Suite struct InstrumentedOverflows {
  @Test(.enabled(if: Sanitizers.address, "built without AddressSanitizer"))
  func `AddressSanitizer's report follows ours`() throws {
    let child = try ChildProcess(
      "test-programs", "overflow-named", environment: ["COROUTINE_TEST_FAULT_HANDLER": "1"])
    #expect(child.errors.contains("Fatal: stack overflow in coroutine deep digger (ident"))
    #expect(child.errors.contains("AddressSanitizer: stack-overflow"))
  }
}
