import Testing

@testable import coro_bench

@Suite struct StatisticsTests {
  @Test func `the median of an odd number of rounds is the middle one`() {
    let statistics = Statistics([9, 1, 5])
    #expect(statistics.median == 5)
    #expect(statistics.min == 1)
    #expect(statistics.max == 9)
    #expect(statistics.rounds == [9, 1, 5])
  }

  @Test func `the median of an even number of rounds lies between the middle two`() {
    #expect(Statistics([4, 1, 2, 100]).median == 3)
  }

  @Test func `one round is its own median, minimum and maximum`() {
    let statistics = Statistics([7])
    #expect([statistics.median, statistics.min, statistics.max] == [7, 7, 7])
  }

  @Test(arguments: [
    (0.0, "0.00"), (1.234, "1.23"), (9.994, "9.99"), (9.996, "10.0"), (99.94, "99.9"),
    (99.96, "100"), (4725.4, "4725"), (9999.4, "9999"), (9999.6, "10.0k"), (223_400, "223k"),
    (1_234_567, "1235k"), (12_345_678, "12.3M"), (-1.5, "-1.50"), (Double.infinity, "–"),
  ])
  func `numbers show three digits that count`(value: Double, text: String) {
    #expect(NumberText.text(value) == text)
  }

  @Test func `fixed digits are rounded and padded with zeros`() {
    #expect(NumberText.fixed(1.005, digits: 1) == "1.0")
    #expect(NumberText.fixed(0.996, digits: 2) == "1.00")
    #expect(NumberText.fixed(2.5, digits: 0) == "3")
    #expect(NumberText.fixed(0.049, digits: 2) == "0.05")
  }
}
