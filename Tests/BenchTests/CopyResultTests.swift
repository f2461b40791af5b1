import Testing

@testable import coro_bench

@Suite struct CopyResultTests {
  @Test func `the figures are CPU time for each KiB and MiB in a second on the wall`() {
    let result = CopyResult(
      bytes: 8 * 1_048_576, nanoseconds: 2_000_000_000, processorNanoseconds: 819_200)
    #expect(result.figures == [100, 4])
  }
}
