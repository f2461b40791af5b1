import Foundation
import Testing

/// A sanitizer sees through the switches: it finds what is planted, and invents nothing.
///
/// These run in a build with the sanitizer alone; elsewhere they are shown as skipped.
@Suite struct Sanitizers {
  static let address = dlsym(nil, "__asan_init") != nil
  /// What a program's memory and its end look like is not its own then.
  static var isInstrumented: Bool { address || thread }
  static let thread = dlsym(nil, "__tsan_init") != nil

  func run(_ program: String) throws -> ChildProcess {
    try ChildProcess(
      "test-programs", program,
      environment: [
        "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1", "TSAN_OPTIONS": "",
      ])
  }

  // MARK: AddressSanitizer, with LeakSanitizer in it

  @Test(
    .enabled(if: address, "built without AddressSanitizer"),
    arguments: [
      ("sanitizer-use-after-free", "heap-use-after-free"),
      ("sanitizer-use-after-return", "stack-use-after-return"),
      ("sanitizer-leak", "8000 byte(s) leaked"),
      ("sanitizer-leak-parked", "8000 byte(s) leaked"),
    ])
  func `AddressSanitizer finds it in a coroutine`(program: String, report: String) throws {
    let child = try run(program)
    #expect(child.errors.contains(report), "\(child.errors)")
    #expect(child.status == 1 && !child.isSignalled)
  }

  @Test(
    .enabled(if: address, "built without AddressSanitizer"),
    arguments: ["sanitizer-parked", "sanitizer-parked-main", "sanitizer-one-loop"])
  func `what waiting coroutines hold is no leak`(program: String) throws {
    let child = try run(program)
    #expect(child.errors == "")
    #expect(child.status == 0)
  }

  // MARK: ThreadSanitizer

  @Test(.enabled(if: thread, "built without ThreadSanitizer"))
  func `ThreadSanitizer finds a race between two loops`() throws {
    let child = try run("sanitizer-race")
    #expect(child.errors.contains("WARNING: ThreadSanitizer"), "\(child.errors)")
    #expect(child.status == 66)
  }

  @Test(.enabled(if: thread, "built without ThreadSanitizer"))
  func `coroutines of one loop do not race`() throws {
    let child = try run("sanitizer-one-loop")
    #expect(child.errors == "")
    #expect(child.output == "1000\n")
    #expect(child.status == 0)
  }
}
