import Foundation
import Testing

/// Limits that are reached: a clear error each time, and the program goes on.
@Suite(.enabled(if: !Sanitizers.isInstrumented, "built with a sanitizer, whose memory counts too"))
struct Limits {
  private func run(
    _ program: String, on backend: String = "", environment: [String: String] = [:]
  ) throws -> ChildProcess {
    try ChildProcess(
      "test-programs", program,
      environment: environment.merging(["COROUTINE_BACKEND": backend]) { $1 })
  }

  /// The first failure's line, then twice: the others ended, no further failure, there were some.
  private func expectOneFailure(_ child: ChildProcess, _ phrase: String) {
    let lines = child.output.split(separator: "\n")
    #expect(lines.first?.contains("Cannot allocate memory (ENOMEM); no stack of ") == true)
    #expect(lines.first?.contains(phrase) == true, "\(child.output)")
    #expect(lines.dropFirst() == ["room for others: true", "true true true", "true true true"])
    #expect(child.status == 0 && child.errors.isEmpty)
  }

  @Test(arguments: ["limit-address-space", "limit-own-stacks"], Programs.backends)
  func `the limit of address space`(program: String, backend: String) throws {
    expectOneFailure(try run(program, on: backend), "RLIMIT_AS")
  }

  @Test func `the limit of writable memory`() throws {
    expectOneFailure(try run("limit-data"), "RLIMIT_DATA")
  }

  /// Where the limit has been raised, memory ends before mappings do.
  @Test(.enabled(if: Self.mappingCountMax < 200_000))
  func `the limit of mappings, where a guard is one`() throws {
    let child = try run("limit-mappings", environment: ["COROUTINE_STACK_GUARD": "mprotect"])
    expectOneFailure(child, "vm.max_map_count")
  }

  private static var mappingCountMax: Int {
    let text = try? String(contentsOfFile: "/proc/sys/vm/max_map_count", encoding: .utf8)
    return text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? 0
  }

  /// The setting is the whole machine's: only where it may be changed.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["COROUTINE_TEST_SYSCTL"] != nil))
  func `memory that the kernel does not overcommit`() throws {
    expectOneFailure(try run("limit-overcommit"), "vm.overcommit_memory=2")
  }

  @Test func `a stack that is larger than all addresses`() throws {
    let child = try run("limit-huge-stack")
    #expect(child.output.contains("Coroutine.start greedy: Cannot allocate memory (ENOMEM)"))
    #expect(child.output.contains("more than there are addresses"))
  }

  @Test(arguments: Programs.backends)
  func `the limit of descriptors`(backend: String) throws {
    let child = try run("limit-descriptors", on: backend)
    let lines = child.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 10, "\(child.output) \(child.errors)")
    for (line, call) in zip(lines, ["pipe", "socket", "socketPair", "accept", "accept", "signal"]) {
      #expect(line.hasPrefix(call) && line.contains("Too many open files (EMFILE)"))
      #expect(line.contains("ulimit -n"), "\(line)")
    }
    #expect(lines[6].contains("the \(backend) backend") && lines[6].contains("ulimit -n"))
    #expect(lines[7...] == ["5", "signalled", "no error"])
    #expect(child.status == 0)
  }

  @Test(arguments: Programs.backends)
  func `a backend that gets too few descriptors loses none`(backend: String) throws {
    let child = try run("limit-descriptors-at-first", on: backend)
    let lines = child.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 5, "\(child.output) \(child.errors)")
    #expect(lines[0].contains("the \(backend) backend") && lines[0].contains("ulimit -n"))
    #expect(lines[1].contains("the \(backend) backend") && lines[1].contains("ulimit -n"))
    #expect(lines[3...] == ["no error", "true"])
  }
}
