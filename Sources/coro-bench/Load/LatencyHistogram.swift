import Histogram

/// Counts of latencies in nanoseconds, to three significant digits.
typealias LatencyHistogram = Histogram<UInt64>

extension Histogram<UInt64> {
  /// Without values, and with room for a minute: whoever answers later makes it grow.
  static func ofLatencies() -> LatencyHistogram {
    var histogram = LatencyHistogram(
      highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
    histogram.autoResize = true
    return histogram
  }

  /// The value that a fraction of all values does not exceed: 0.5 for the median.
  ///
  /// - Returns: The upper end of that value's bucket; 0 if nothing was recorded.
  func percentile(_ fraction: Double) -> Int64 {
    totalCount == 0 ? 0 : Int64(clamping: valueAtPercentile(fraction * 100))
  }
}
