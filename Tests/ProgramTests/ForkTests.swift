import Foundation
import Testing

/// fork(2): the parent's loops are dead in the child, and the parent feels nothing.
@Suite struct Forks {
  private static let works = "works: ping [\"slept\"]\n"

  private func run(_ program: String, on backend: String) throws -> ChildProcess {
    // A child that a coroutine forked has no thread that stands on the main stack, or on another
    // thread's: LeakSanitizer takes what the frames there hold for lost.
    try ChildProcess(
      "test-programs", program,
      environment: ["COROUTINE_BACKEND": backend, "ASAN_OPTIONS": "detect_leaks=0"])
  }

  // MARK: Uses that trap

  @Test(arguments: ["fork-sleep", "fork-current", "fork-start"], Programs.backends)
  func `a call without a loop traps in the child and says what to do`(
    program: String, backend: String
  ) throws {
    let child = try run(program, on: backend)
    #expect(child.errors.contains("this process was made by fork"))
    #expect(child.errors.contains("Coroutine.run(on: .automatic)"))
    #expect(child.output == "child traps\n" + Self.works)
    #expect(child.status == 0)
  }

  @Test(arguments: Programs.backends)
  func `joining a coroutine of the parent traps in the child`(backend: String) throws {
    let child = try run("fork-join", on: backend)
    #expect(child.errors.contains("worker runs in the process that this one was forked from"))
    #expect(child.output == "child traps\nparent joined\n")
    #expect(child.status == 0)
  }

  @Test(arguments: Programs.backends)
  func `a descriptor of the parent's loop traps in the child`(backend: String) throws {
    let child = try run("fork-descriptor", on: backend)
    #expect(child.errors.contains("of the process that this one was forked from"))
    #expect(child.errors.contains("duplicate()"))
    #expect(child.output == "child reads [120]\nchild traps\n")
  }

  @Test(arguments: Programs.backends)
  func `a coroutine that ends in the child traps there`(backend: String) throws {
    let child = try run("fork-coroutine-ends", on: backend)
    #expect(child.errors.contains("this process was made by fork"))
    #expect(child.output == "child traps\nparent goes on\n")
    #expect(child.status == 0)
  }

  @Test(arguments: Programs.backends)
  func `who joins it does not go on in the child`(backend: String) throws {
    let child = try run("fork-coroutine-ends-joined", on: backend)
    #expect(child.output == "child traps\njoined\n")
    #expect(child.status == 0)
  }

  // MARK: Uses that work

  @Test(
    arguments: [
      "fork-run", "fork-run-in-coroutine", "fork-run-on-thread", "fork-run-in-run",
    ], Programs.backends)
  func `a child makes a loop of its own, wherever it was forked`(
    program: String, backend: String
  ) throws {
    let child = try run(program, on: backend)
    #expect(child.output == Self.works + "child exits with 0\n" + Self.works)
    #expect(child.errors.isEmpty && child.status == 0)
  }

  @Test(arguments: Programs.backends)
  func `a child can fork again`(backend: String) throws {
    let child = try run("fork-twice", on: backend)
    let grandchild = Self.works + "child exits with 0\n"
    #expect(
      child.output == Self.works + grandchild + Self.works + "child exits with 0\n" + Self.works)
    #expect(child.status == 0)
  }

  @Test(arguments: Programs.backends)
  func `a child serves on a listener that it adopts`(backend: String) throws {
    let child = try run("fork-adopt", on: backend)
    #expect(child.output == "from the child\nchild exits with 0\n")
    #expect(child.status == 0)
  }

  @Test(arguments: Programs.backends)
  func `a body that returns in the child leaves the dead loop`(backend: String) throws {
    let child = try run("fork-body-returns", on: backend)
    #expect(
      child.output == "child returns\n" + Self.works + "child exits with 0\nparent returns\n")
    #expect(child.status == 0)
  }

  // MARK: What the child has

  @Test(arguments: Programs.backends)
  func `the child has no descriptor of the parent's loops`(backend: String) throws {
    let child = try run("fork-descriptors", on: backend)
    #expect(
      child.output == "parent has some: true\nchild has []\nchild exits with 0\n" + Self.works)
    let program = try run("fork-exec", on: backend)
    #expect(program.output == "0\nchild exits with 1\n" + Self.works)
  }

  @Test(arguments: Programs.backends)
  func `a signal to the child does its default and does not reach the parent`(
    backend: String
  ) throws {
    let child = try run("fork-signals", on: backend)
    #expect(
      child.output == """
        child ignores
        child has a handler: false
        child ends with signal \(SIGUSR1)
        parent received 0
        parent received 1

        """)
    #expect(child.status == 0)
  }

  @Test(arguments: Programs.backends)
  func `a child's loop has handlers of its own`(backend: String) throws {
    let child = try run("fork-signals-in-child", on: backend)
    #expect(child.output == "child received 1\nchild exits with 0\nparent's handler\n")
  }

  @Test(arguments: Programs.backends)
  func `exit in the child ends it at once`(backend: String) throws {
    let child = try run("fork-exit", on: backend)
    #expect(child.output == (3...7).map { "child exits with \($0)\n" }.joined())
  }

  // MARK: The parent

  @Test(arguments: Programs.backends)
  func `what is in flight in the parent is not disturbed`(backend: String) throws {
    let child = try run("fork-in-flight", on: backend)
    #expect(child.output == Self.works + "child exits with 0\nreceived 40\n")
    #expect(child.status == 0)
  }
}
