import Foundation
import Testing

/// Programs that are flooded, or denied what they ask for. What the kernel refuses call by call is
/// tried by scripts/test-faults.
extension Programs {
  @Test(arguments: backends)
  func `a storm of signals loses nothing`(backend: String) throws {
    let child = try ChildProcess(
      "fault-programs", "storm", "300", environment: ["COROUTINE_BACKEND": backend])
    #expect(child.output.contains("nothing lost"), "\(child.errors)")
    #expect(child.status == 0)
  }

  @Test(arguments: backends)
  func `a tour of all calls leaves no descriptor behind`(backend: String) throws {
    let child = try ChildProcess(
      "fault-programs", "tour", environment: ["COROUTINE_BACKEND": backend])
    #expect(!child.output.contains("error"), "\(child.output)")
    #expect(child.output.contains("descriptors: 0\n"))
    #expect(child.status == 0)
  }
}
