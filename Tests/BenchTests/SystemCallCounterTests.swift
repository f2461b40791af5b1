import Glibc
import Testing

@testable import coro_bench

@Suite struct SystemCallCounterTests {
  private static var isPermitted: Bool {
    (try? SystemCallCounter(process: getpid())) != nil
  }

  @Test(.enabled("It needs root and tracefs.") { isPermitted })
  func `a process's calls are counted`() throws {
    let counter = try SystemCallCounter(process: getpid())
    let before = try counter.count()
    for _ in 0..<1000 { _ = getppid() }
    let count = try counter.count() - before
    // Other tests may run at the same time.
    #expect(count >= 1000)
  }

  @Test(.enabled("It needs root and tracefs.") { isPermitted })
  func `a process that is not there is named`() throws {
    #expect(throws: BenchError("There is no process -7.")) {
      _ = try SystemCallCounter(process: -7)
    }
  }
}
