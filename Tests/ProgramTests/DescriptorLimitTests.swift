import Coroutines
import Foundation
import Testing

/// A limit of open descriptors, which only a process of its own can lower.
@Suite struct DescriptorLimits {
  @Test(arguments: Programs.backends)
  func `descriptors beyond the limit are flagged as lost, and none leaks`(backend: String) throws {
    let child = try ChildProcess(
      "test-programs", "descriptor-limit", environment: ["COROUTINE_BACKEND": backend])
    #expect(child.output == "1 1 true\n0\n")
    #expect(child.status == 0 && !child.isSignalled)
  }
}
