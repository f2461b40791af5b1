import Testing

@testable import coro_bench

@Suite struct LatencyHistogramTests {
  @Test func `an empty histogram has no latency`() {
    #expect(LatencyHistogram.ofLatencies().percentile(0.5) == 0)
  }

  @Test func `small values are exact`() {
    var histogram = LatencyHistogram.ofLatencies()
    for value in 1...100 { histogram.record(UInt64(value)) }
    #expect(histogram.totalCount == 100)
    #expect(histogram.percentile(0.5) == 50)
    #expect(histogram.percentile(0.99) == 99)
    #expect(histogram.percentile(1) == 100)
  }

  @Test(arguments: [2_001, 123_456, 5_000_000_000, 59_999_999_999, 100_000_000_000])
  func `large values have three digits, also those of more than a minute`(value: Int64) {
    var histogram = LatencyHistogram.ofLatencies()
    histogram.record(UInt64(value))
    #expect(abs(histogram.percentile(0.5) - value) <= value / 1000)
  }
}

@Suite struct LoadResultTests {
  private static let printed = """
    requests\t5
    nanoseconds\t20
    server\t30
    generator\t40
    calls\t15
    lost\t2
    latency\t100\t3
    latency\t70000000000\t2

    """

  @Test func `a result is read as it was printed`() throws {
    let result = try LoadResult(parsing: Self.printed)
    #expect(result.requests == 5)
    #expect(result.nanoseconds == 20)
    #expect(result.serverNanoseconds == 30)
    #expect(result.generatorNanoseconds == 40)
    #expect(result.calls == 15)
    #expect(result.lost == 2)
    #expect(result.percentile(0.5) == 100)
    #expect(abs(result.percentile(1) - 70_000_000_000) <= 70_000_000)
    #expect(try LoadResult(parsing: result.text).text == result.text)
  }

  @Test func `its lines may come in any order`() throws {
    let lines = Self.printed.split(separator: "\n").reversed().joined(separator: "\n")
    #expect(try LoadResult(parsing: lines) == LoadResult(parsing: Self.printed))
  }

  @Test func `every line is needed, and no other one is known`() {
    let lines = Self.printed.split(separator: "\n")
    for index in lines.indices {
      var fewer = lines
      fewer.remove(at: index)
      #expect(throws: BenchError.self) { try LoadResult(parsing: fewer.joined(separator: "\n")) }
      let twice = (lines + [lines[index]]).joined(separator: "\n")
      #expect(throws: BenchError.self) { try LoadResult(parsing: twice) }
    }
    for line in ["other\t1", "requests", "latency\t1", "latency\tx\t1", "latency\t-1\t1", "x"] {
      #expect(throws: BenchError.self) { try LoadResult(parsing: "\(Self.printed)\(line)\n") }
    }
    #expect(throws: BenchError.self) { try LoadResult(parsing: "") }
  }

  @Test func `a load without requests has no result`() {
    let nothing = "requests\t0\nnanoseconds\t1\nserver\t0\ngenerator\t0\ncalls\t0\nlost\t0\n"
    #expect(throws: BenchError.self) { try LoadResult(parsing: nothing) }
  }
}
