import Coroutines
import Foundation
import Testing

/// Which backend a program gets where io_uring is denied or lacks something, and what it is told.
@Suite struct ChoiceTests {
  static let isPermitted = Programs.backends.contains("io_uring")
  /// Whether the automatic choice takes it here.
  static let isAutomatic: Bool = {
    #if IOUring
      (try? BackendChoice.ioUringIfFast.make().close()) != nil
    #else
      false
    #endif
  }()

  private func run(
    _ program: [String], backend: String = "", without disabled: String = ""
  ) throws -> String {
    try ChildProcess(
      "test-programs", program[0], program.dropFirst().first ?? "",
      environment: ["COROUTINE_BACKEND": backend, "COROUTINE_IO_URING_DISABLE": disabled]
    ).output
  }

  @Test(arguments: [EPERM, ENOSYS, ENOMEM, EMFILE, EINVAL])
  func `whatever denies io_uring, the automatic choice is epoll`(reason: CInt) throws {
    #expect(try run(["denied", "\(reason)"]) == "slept\n")
  }

  @Test(
    .enabled(if: isPermitted),
    arguments: [
      (EPERM, "EPERM", "kernel.io_uring_disabled"), (ENOSYS, "ENOSYS", "has no io_uring"),
      (ENOMEM, "ENOMEM", "ulimit -l"), (EMFILE, "EMFILE", "ulimit -n"),
      (EINVAL, "EINVAL", "older than needed"),
    ], ["denied", "denied-explicit"])
  func `whatever denies io_uring, an explicit choice says why and what helps`(
    reason: (CInt, String, String), program: String
  ) throws {
    let output = try run([program, "\(reason.0)"], backend: "io_uring")
    #expect(output.contains(reason.1) && output.contains(reason.2))
  }

  @Test(.enabled(if: isPermitted))
  func `a ring that can't be entered is no backend`() throws {
    #expect(try run(["entering-denied"]) == "slept\n")
    let output = try run(["entering-denied"], backend: "io_uring")
    #expect(output.contains("io_uring_enter") && output.contains("EPERM"))
  }

  @Test(.enabled(if: isAutomatic))
  func `the automatic choice is io_uring only where work can be deferred`() throws {
    #expect(try run(["which-backend"]) == "io_uring\n")
    #expect(try run(["which-backend"], without: "defer-taskrun") == "epoll\n")
    #expect(try run(["which-backend"], without: "ext-arg") == "epoll\n")
    #expect(try run(["which-backend"], without: "all") == "epoll\n")
    #expect(try run(["which-backend"], without: "recv,submit-all") == "io_uring\n")
  }

  @Test(.enabled(if: isPermitted))
  func `an explicit choice does without what is turned off`() throws {
    let output = try run(["which-backend"], backend: "io_uring", without: "all")
    #expect(output == "io_uring\n")
  }

  @Test(.enabled(if: isPermitted))
  func `a name that is no feature's is an error that lists them`() throws {
    let output = try run(["environment"], backend: "io_uring", without: "sqpoll")
    #expect(output.contains("no feature is called sqpoll"))
    #expect(output.contains("single-issuer, defer-taskrun"))
  }
}
