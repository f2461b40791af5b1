import Foundation
import Testing

/// Descriptors whose misuse ends a program, and the three that every program has.
@Suite struct DescriptorPrograms {
  private func run(_ program: String, on backend: String) throws -> ChildProcess {
    try ChildProcess("test-programs", program, environment: ["COROUTINE_BACKEND": backend])
  }

  @Test(arguments: Programs.backends, ["foreign-loop-wait", "foreign-loop-close"])
  func `a descriptor of a living loop traps in another, and says what to do`(
    backend: String, program: String
  ) throws {
    let child = try run(program, on: backend)
    #expect(child.output == "timeout\n")
    #expect(child.errors.contains("belongs to another thread's loop. Use it there"))
    #expect(child.isSignalled)
  }

  @Test(arguments: Programs.backends)
  func `standard output is left open by who borrows it, and closed by who adopts it`(
    backend: String
  ) throws {
    let child = try run("standard-output", on: backend)
    #expect(child.output == "borrowed\nand open\nowned\n")
    #expect(child.errors == "open: false\n")
    #expect(child.status == 0)
  }
}
