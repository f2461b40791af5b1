/// Counts of durations in buckets that are at most 1/64 of their value wide.
///
/// Values below 64 have a bucket each; above, each power of two is divided into 64 buckets.
struct LatencyHistogram {
  private static let fineBits = 6
  private static let fine = 1 << fineBits

  private var counts = [Int](repeating: 0, count: (64 - fineBits + 1) * fine)
  private(set) var total = 0

  mutating func record(_ value: Int64) {
    counts[Self.bucket(max(0, value))] += 1
    total += 1
  }

  mutating func removeAll() {
    for index in counts.indices { counts[index] = 0 }
    total = 0
  }

  /// The value that a fraction of all values does not exceed: 0.5 for the median.
  ///
  /// - Returns: The upper end of that value's bucket; 0 if nothing was recorded.
  func percentile(_ fraction: Double) -> Int64 {
    let rank = Int((Double(total) * fraction).rounded(.up))
    var sum = 0
    for (index, count) in counts.enumerated() {
      sum += count
      if sum >= rank, count > 0 { return Self.upperEnd(of: index) }
    }
    return 0
  }

  private static func bucket(_ value: Int64) -> Int {
    if value < fine { return Int(value) }
    let exponent = 63 - value.leadingZeroBitCount - fineBits
    return exponent * fine + Int(value >> exponent)
  }

  private static func upperEnd(of bucket: Int) -> Int64 {
    if bucket < 2 * fine { return Int64(bucket) }
    let exponent = bucket / fine - 1
    let mantissa = Int64(bucket - exponent * fine)
    return mantissa << exponent | ((1 << exponent) - 1)
  }
}
