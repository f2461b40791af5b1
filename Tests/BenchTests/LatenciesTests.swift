import Testing

@testable import coro_bench

@Suite struct LatenciesTests {
  @Test func `percentiles are values that were recorded, in microseconds`() {
    var latencies = Latencies()
    for value in (1...200).reversed() { latencies.record(Int64(value) * 1500) }
    #expect(latencies.percentiles([0.5, 0.99, 1]) == [150, 297, 300])
  }

  @Test func `one value is every percentile, and may be negative`() {
    var latencies = Latencies()
    latencies.record(-500)
    #expect(latencies.percentiles([0, 0.5, 0.99]) == [-0.5, -0.5, -0.5])
  }

  @Test func `nothing has no percentiles`() {
    let percentiles = Latencies().percentiles([0.5, 0.99])
    #expect(percentiles.count == 2 && percentiles.allSatisfy { $0.isNaN })
  }
}
