import Histogram

/// The latencies of a case, of all rounds together, at the quantiles that a chart shows.
enum LatencyCurve {
  /// Closer together the rarer they are: up to one answer in a hundred thousand.
  private static let quantiles =
    [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999]

  static func of(
    _ loads: [LoadResult], _ workload: String, _ label: String, _ contender: String
  ) -> Report.Latency {
    var all = LatencyHistogram.ofLatencies()
    for load in loads {
      for entry in load.latencies.recordedValues() { all.record(entry.value, count: entry.count) }
    }
    // A quantile that fewer than ten answers stand behind is chance.
    let known = quantiles.filter { (1 - $0) * Double(all.totalCount) >= 10 || $0 <= 0.5 }
    return Report.Latency(
      workload: workload, label: label, contender: contender, unit: "µs",
      points: known.map {
        LatencyPoint(
          quantile: $0, value: Double(all.percentile($0)) / 1000)
      })
  }
}
