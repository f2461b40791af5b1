import Testing

@testable import coro_bench

@Suite struct MemoryUseTests {
  private let status = "Name:\tcoro-bench\nVmRSS:\t   12345 kB\nVmPTE:\t      64 kB\n"

  @Test func `kilobytes of the kernel's table become bytes`() throws {
    #expect(try MemoryUse.bytes("VmRSS", in: status) == 12_641_280)
    #expect(try MemoryUse.bytes("VmPTE", in: status) == 65_536)
  }

  @Test func `what the table does not tell is an error that names it`() {
    #expect(throws: BenchError("/proc/self/status doesn't tell VmSwap.")) {
      try MemoryUse.bytes("VmSwap", in: status)
    }
  }
}
