import Coroutines
import Foundation
import Testing

/// What happens at the end of a program, and what ends one: only child processes can tell.
@Suite struct Programs {
  static let backends = ["epoll", "io_uring"].filter { name in
    #if IOUring
      name == "epoll" || (try? BackendChoice.ioUring.make().close()) != nil
    #else
      name == "epoll"
    #endif
  }

  func run(_ program: String, on backend: String) throws -> ChildProcess {
    try ChildProcess("test-programs", program, environment: ["COROUTINE_BACKEND": backend])
  }

  // MARK: The end

  @Test(arguments: backends)
  func `the program's end waits for coroutines that are not daemons`(backend: String) throws {
    let child = try run("end-waits", on: backend)
    #expect(child.output == "worker begins\nmain ends\nworker ends\n")
    #expect(child.status == 0)
  }

  @Test(arguments: backends)
  func `daemons are abandoned at the program's end`(backend: String) throws {
    let child = try run("daemon-abandoned", on: backend)
    #expect(child.output == "main ends\n")
    #expect(child.status == 0)
  }

  @Test(arguments: backends)
  func `exit in the main coroutine is the same as its end`(backend: String) throws {
    let child = try run("exit-in-main-waits", on: backend)
    #expect(child.output == "worker ends\n")
    #expect(child.status == 3)
  }

  @Test(arguments: backends)
  func `exit in another coroutine ends at once`(backend: String) throws {
    let child = try run("exit-in-coroutine", on: backend)
    #expect(child.output == "exit\n")
    #expect(child.status == 7)
  }

  @Test(arguments: backends)
  func `exit on another thread ends at once, whatever runs in its loop`(backend: String) throws {
    let child = try run("exit-in-thread", on: backend)
    #expect(child.status == 5 && !child.isSignalled)
  }

  @Test(arguments: backends)
  func `coroutines started after the main coroutine's end are waited for`(backend: String) throws {
    let child = try run("chain-after-end", on: backend)
    #expect(child.output == "main ends\nchild ends\ngrandchild ends\n")
  }

  @Test(arguments: backends)
  func `joining the main coroutine returns at its end`(backend: String) throws {
    let child = try run("join-main", on: backend)
    #expect(child.output == "main ends\nmain has ended: true\n")
    #expect(child.status == 0)
  }

  // MARK: Deadlock

  @Test(arguments: backends)
  func `a deadlock is an error for the main coroutine`(backend: String) throws {
    let child = try run("deadlock", on: backend)
    #expect(child.output == "deadlock true\n")
    #expect(child.status == 0)
  }

  @Test(arguments: backends)
  func `a deadlock after the end is printed and fails the process`(backend: String) throws {
    let child = try run("deadlock-after-end", on: backend)
    #expect(child.output == "main ends\n")
    #expect(child.errors.contains("first (ident") && child.errors.contains("second (ident"))
    #expect(child.status == 1)
  }

  // MARK: Errors and traps

  @Test(arguments: backends)
  func `an error at top level ends the program as Swift ends it`(backend: String) throws {
    let child = try run("error-at-top-level", on: backend)
    #expect(child.errors.contains("atTopLevel"))
    #expect(child.isSignalled)
  }

  @Test(arguments: backends)
  func `an error that leaves a coroutine is reported and harmless`(backend: String) throws {
    let child = try run("error-in-coroutine", on: backend)
    #expect(child.errors == "Error in coroutine worker: inCoroutine\n")
    #expect(child.output == "main goes on\n")
    #expect(child.status == 0)
  }

  @Test(arguments: backends)
  func `starting twice traps with advice`(backend: String) throws {
    let child = try run("start-twice", on: backend)
    #expect(child.errors.contains("worker was started before. A coroutine starts once"))
    #expect(child.isSignalled)
  }

  @Test(arguments: backends)
  func `a stack's overflow hits its guard`(backend: String) throws {
    let child = try run("overflow", on: backend)
    #expect(child.isSignalled && child.status == SIGSEGV)
  }

  @Test(arguments: backends)
  func `stackSize makes room for deep recursion`(backend: String) throws {
    let child = try run("overflow-own-size", on: backend)
    #expect(child.output == "true\n")
  }

  @Test(arguments: backends)
  func `a descriptor used from another loop traps with advice`(backend: String) throws {
    let child = try run("foreign-loop", on: backend)
    #expect(child.output == "timeout\n")
    #expect(child.errors.contains("belongs to another thread's loop"))
    #expect(child.isSignalled)
  }

  @Test(arguments: backends)
  func `a blocking call inside a Swift task is an error with advice`(backend: String) throws {
    let child = try run("in-a-task", on: backend)
    #expect(child.output.contains("Coroutine.run(on: .automatic)"))
    #expect(child.status == 0)
  }

  @Test(arguments: backends)
  func `the exit of a forked child does not run its parent's coroutines`(backend: String) throws {
    let child = try run("fork", on: backend)
    #expect(child.output == "child ended with 0\nworker ends\n")
  }

  // MARK: The choice of a backend

  @Test func `where io_uring is denied the automatic choice is epoll`() throws {
    let child = try ChildProcess("test-programs", "denied", environment: ["COROUTINE_BACKEND": ""])
    #expect(child.output == "slept\n")
  }

  @Test(.enabled(if: backends.contains("io_uring")), arguments: ["denied", "denied-explicit"])
  func `where io_uring is denied an explicit choice says why`(program: String) throws {
    let child = try ChildProcess(
      "test-programs", program, environment: ["COROUTINE_BACKEND": "io_uring"])
    #expect(child.output.contains("Operation not permitted (EPERM)"))
    #expect(child.output.contains("use the epoll backend"))
  }

  @Test func `an unknown COROUTINE_BACKEND is an error that lists the known`() throws {
    let child = try ChildProcess(
      "test-programs", "environment", environment: ["COROUTINE_BACKEND": "kqueue"])
    #expect(child.output.contains("COROUTINE_BACKEND=kqueue"))
    #expect(child.output.contains("epoll"))
  }

  @Test func `without a linked backend the first blocking call says what to add`() throws {
    let child = try ChildProcess("test-program-bare")
    #expect(child.output.hasPrefix("a coroutine that never waits needs no backend\n"))
    #expect(child.output.contains("depend on the product \"Coroutines\""))
    #expect(child.status == 0)
  }
}
