import Testing

@testable import coro_bench

/// The expected numbers are those of SciPy's `ttest_1samp` on the logarithms.
@Suite struct PairedRatioTests {
  private static func isClose(_ value: Double, _ expected: Double) -> Bool {
    abs(value - expected) < 1e-5 * expected
  }

  @Test func `five pairs have the ratio and the interval that SciPy finds`() throws {
    let ratio = try #require(
      PairedRatio([14.2, 13.9, 14.6, 15.1, 14.0], over: [10.1, 9.8, 10.0, 10.9, 9.7]))
    #expect(Self.isClose(ratio.ratio, 1.42233881))
    #expect(Self.isClose(ratio.low, 1.38603235))
    #expect(Self.isClose(ratio.high, 1.45959630))
  }

  @Test func `three pairs, the fewest, have a wide interval`() throws {
    let ratio = try #require(PairedRatio([2, 3, 4], over: [1, 1, 1]))
    #expect(Self.isClose(ratio.ratio, 2.88449914))
    #expect(Self.isClose(ratio.low, 1.21443808))
    #expect(Self.isClose(ratio.high, 6.85118114))
  }

  @Test func `beyond the table the normal distribution serves`() throws {
    let ratio = try #require(
      PairedRatio((0..<40).map { 1 + 0.01 * Double($0) }, over: Array(repeating: 1, count: 40)))
    #expect(Self.isClose(ratio.ratio, 1.18939048))
    #expect(Self.isClose(ratio.low, 1.15364197))
    #expect(Self.isClose(ratio.high, 1.22624675))
    #expect(PairedRatio.quantile(degreesOfFreedom: 30) == 2.04227)
    #expect(PairedRatio.quantile(degreesOfFreedom: 31) == 1.95996)
  }

  @Test func `the other way round it is the reciprocal`() throws {
    let (a, b) = ([3.0, 5, 4, 6], [2.0, 2, 3, 2])
    let (there, back) = (
      try #require(PairedRatio(a, over: b)), try #require(PairedRatio(b, over: a))
    )
    #expect(Self.isClose(there.ratio * back.ratio, 1))
    #expect(Self.isClose(there.low * back.high, 1))
  }

  @Test func `a drift that hits both does not widen the interval`() throws {
    let ratio = try #require(PairedRatio([2, 4, 8, 16], over: [1, 2, 4, 8]))
    #expect(Self.isClose(ratio.ratio, 2))
    #expect(Self.isClose(ratio.low, 2))
    #expect(Self.isClose(ratio.high, 2))
  }

  @Test(arguments: [
    ([1, 2], [1, 2]), ([1, 2, 3], [1, 2]), ([1, 2, 0], [1, 2, 3]), ([1, 2, 3], [1, -2, 3]),
    ([1, 2, .nan], [1, 2, 3]), ([1, 2, 3], [1, 2, .infinity]), ([], []),
    ([1, 1e300, 1e-300], [1, 1e-300, 1e300]),
  ])
  func `there is no ratio of what has no pairs or no logarithm`(a: [Double], b: [Double]) {
    #expect(PairedRatio(a, over: b) == nil)
  }
}
