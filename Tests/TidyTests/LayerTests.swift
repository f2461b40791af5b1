import Testing

/// Arrows point downward: who may know whom.
@Suite struct Layers {
  /// What the files of a target may import.
  private static let allowed: [String: Set<String>] = [
    "CoroutineAPI": ["CContext", "CLinux", "Glibc", "SystemPackage"],
    "BackendEpoll": ["CLinux", "CoroutineAPI", "Glibc", "SystemPackage"],
    "BackendIOUring": ["CLiburing", "CLinux", "CoroutineAPI", "Glibc", "SystemPackage"],
    "Coroutines": ["BackendEpoll", "BackendIOUring", "CContext", "CoroutineAPI"],
  ]

  @Test func `each target imports only what lies below it`() {
    for file in Repository.sources where file.isSwift {
      guard let target = file.target, let allowed = Self.allowed[target] else { continue }
      for module in imports(of: file) where !allowed.contains(module) {
        Issue.record("\(file) imports \(module); \(target) may import \(allowed.sorted())")
      }
    }
  }

  /// Its JSON is worth that much: the rest of the benchmark must not know it either, since what is
  /// measured starts in the same program.
  @Test func `nothing but the benchmark's report imports Foundation, of which the essentials`() {
    for file in Repository.sources where file.target != nil {
      let isReport = file.path.hasPrefix("Sources/coro-bench/Report/")
      for module in imports(of: file) where module.hasPrefix("Foundation") {
        #expect(isReport && module == "FoundationEssentials", "\(file) imports \(module)")
      }
    }
  }

  @Test func `every target of the library is in the table`() {
    let targets = Set(Repository.sources.filter(\.isSwift).compactMap(\.target))
    #expect(targets.subtracting(Self.allowed.keys) == ["coro-bench"])
  }

  @Test func `the conformance suite knows no backend`() {
    for file in Repository.sources where file.path.hasPrefix("Tests/Conformance/") {
      let modules = imports(of: file)
      #expect(!modules.contains { $0.hasPrefix("Backend") || $0 == "Coroutines" }, "\(file)")
      #expect(!file.lines.contains { $0.hasPrefix("@testable") }, "\(file)")
    }
  }

  @Test func `only unit tests and fuzzers look inside`() {
    for file in Repository.sources where file.lines.contains(where: { $0.hasPrefix("@testable") }) {
      let isAllowed = ["Tests/SchedulerTests/", "Tests/BenchTests/", "Tests/Fuzz/"].contains {
        file.path.hasPrefix($0)
      }
      #expect(isAllowed, "\(file)")
    }
  }

  /// The seam's files, and the names of the layers above that they must not know.
  ///
  /// What a backend reports to, `Completions`, is the scheduler's all the same.
  @Test func `the seam knows nothing of the scheduler`() {
    let above = [
      "Scheduler", "SchedulerCore", "CoroutineRecord", "RunQueue", "WaitList", "TimerQueue",
      "TimerLane", "TimerHeap", "StackPool", "RuntimeLayout", "TaskLocalValues", "Coroutine",
      "Outcome", "WakeReason",
      "DescriptorHandle", "Socket", "PipeEnd", "CContext",
    ]
    let seam = Repository.sources.filter { $0.path.hasPrefix("Sources/CoroutineAPI/Backend/") }
    #expect(!seam.isEmpty)
    for file in seam {
      for (number, line) in file.lines.enumerated() {
        let words = Set(Repository.code(line).split { !$0.isLetter }.map(String.init))
        for name in above where words.contains(name) {
          Issue.record("\(file):\(number + 1) names \(name)")
        }
      }
    }
  }

  private func imports(of file: Repository.File) -> [String] {
    file.lines.compactMap { line in
      let words = line.split(separator: " ")
      guard let index = words.firstIndex(of: "import"), index + 1 < words.count,
        words[..<index].allSatisfy({ $0.hasPrefix("@") || $0 == "public" || $0 == "internal" })
      else { return nil }
      return String(words[index + 1])
    }
  }
}
