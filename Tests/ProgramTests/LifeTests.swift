import Foundation
import Testing

/// exit from anywhere, and numbers that stay flat.
@Suite struct Lives {
  private func run(_ backend: String, _ arguments: String...) throws -> ChildProcess {
    // An argument more than most programs look at.
    try ChildProcess(
      "test-programs", arguments[0], arguments.last ?? "",
      environment: ["COROUTINE_BACKEND": backend])
  }

  @Test(
    arguments: [
      ("exit-in-signal-handler", 11), ("exit-in-deinit", 12), ("exit-in-coroutines-deinit", 13),
      ("exit-with-work-in-flight", 14), ("exit-after-end", 15), ("exit-in-hook", 16),
      ("exit-in-run", 17), ("exit-in-main-with-daemons", 18), ("exit-in-foreign-thread", 19),
    ].filter { (program: String, _: Int32) in
      // ThreadSanitizer looks away while a deinit runs, and complains if that is never over.
      !(Sanitizers.thread && program.hasSuffix("deinit"))
    }, Programs.backends)
  func `exit ends the program, with work in flight`(
    program: (String, Int32), backend: String
  ) throws {
    let child = try run(backend, program.0)
    #expect(child.output == "exit\n")
    #expect(child.status == program.1 && !child.isSignalled)
    #expect(child.errors.isEmpty)
  }

  @Test(.enabled(if: !Sanitizers.isInstrumented), arguments: Programs.backends)
  func `ten thousand loops leave descriptors and memory as they were`(backend: String) throws {
    let child = try run(backend, "ten-thousand-loops")
    #expect(
      child.output == "descriptors: 0\npages are few: true\nmappings are few: true\n",
      "\(child.errors)")
  }

  @Test(.enabled(if: !Sanitizers.isInstrumented), arguments: Programs.backends)
  func `pages that deep recursion touched come back`(backend: String) throws {
    let child = try run(backend, "deep-recursion")
    let once = "touched: true\ngiven back: true\n"
    #expect(child.output == once + once)
  }

  /// As many as the machine has room for: a parked one takes a page, its tables and its object.
  @Test(.enabled(if: !Sanitizers.isInstrumented))
  func `a million coroutines are parked and joined`() throws {
    #if DEBUG
      let wanted = 100_000
    #else
      // An emulated machine would take an hour.
      let isEmulated = ProcessInfo.processInfo.environment["COROUTINE_TIME_SCALE"] != nil
      let wanted = isEmulated ? 100_000 : 1_000_000
    #endif
    let count = min(wanted, Self.availableBytes / 8192)
    let child = try run("epoll", "million", "\(count)")
    #expect(
      child.output == "parked: \(count) 0\nat most 8 KiB each: true\njoined: \(count) 1\n",
      "\(child.errors)")
    if count < wanted { print("With \(count) coroutines: there is no memory for \(wanted).") }
  }

  private static var availableBytes: Int {
    let lines = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    let words = lines.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }?
      .split(separator: " ")
    return (words.flatMap { Int($0[1]) } ?? 0) * 1024
  }
}
