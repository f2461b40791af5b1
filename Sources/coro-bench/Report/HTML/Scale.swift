import Glibc

/// Where on an axis a value lies.
struct Scale {
  enum Kind {
    /// From zero, so that lengths can be compared.
    case linear
    /// For what differs by orders of magnitude: equal distances are equal ratios.
    case logarithmic
  }

  let kind: Kind
  /// The values at both ends; `low` is less than `high`, and positive on a logarithmic scale.
  let low: Double
  let high: Double
  /// The coordinates of `low` and `high`.
  let start: Double
  let end: Double

  /// Whatever is beyond, or is less than one over it, is no measurement, and overflows on the way
  /// to the axis.
  private static let magnitudeMax = 1e300

  /// A scale that has room for all values that it can show.
  ///
  /// - Parameter values: What is not finite, and what has no logarithm, is not looked at.
  init(_ kind: Kind, covering values: [Double], from start: Double, to end: Double) {
    self.kind = kind
    self.start = start
    self.end = end
    switch kind {
    case .linear:
      let finite = values.filter { abs($0) <= Self.magnitudeMax }
      low = min(0, finite.min() ?? 0)
      let top = max(0, finite.max() ?? 0)
      high = top - low >= 1 / Self.magnitudeMax ? top : 1
    case .logarithmic:
      let positive = values.filter { $0 >= 1 / Self.magnitudeMax && $0 <= Self.magnitudeMax }
      low = Self.roundedDown(positive.min() ?? 1)
      high = max(Self.roundedUp(positive.max() ?? 10), low * 10)
    }
  }

  /// A scale from `low` to `high` and no further.
  init(
    _ kind: Kind, fromValue low: Double, toValue high: Double, from start: Double, to end: Double
  ) {
    self.kind = kind
    self.low = low
    self.high = high
    self.start = start
    self.end = end
  }

  /// The coordinate of a value, or of the nearer end if it lies beyond.
  func position(_ value: Double) -> Double {
    let fraction =
      switch kind {
      case .linear: (value - low) / (high - low)
      case .logarithmic:
        value > 0 ? (log(value) - log(low)) / (log(high) - log(low)) : 0
      }
    guard !fraction.isNaN else { return start }
    return start + Swift.min(1, Swift.max(0, fraction)) * (end - start)
  }

  /// Round values to label, about `count` of them.
  func ticks(_ count: Int) -> [Double] {
    kind == .linear ? linearTicks(count) : logarithmicTicks(count)
  }

  private func linearTicks(_ count: Int) -> [Double] {
    let step = Self.roundedUp((high - low) / Double(count) * 0.999)
    guard step > 0, step.isFinite else { return [] }
    let (first, last) = ((low / step).rounded(.up), (high / step).rounded(.down))
    return stride(from: first, through: last, by: 1).map { $0 * step }
  }

  /// 1, 2, 5 and 10 where there is room, else powers of ten, else each second one and so on.
  private func logarithmicTicks(_ count: Int) -> [Double] {
    let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    let isWithin: (Double) -> Bool = { $0 >= low * 0.999 && $0 <= high * 1.001 }
    let fine = powers.flatMap { power in [1, 2, 5].map { $0 * Self.powerOfTen(power) } }
      .filter(isWithin)
    if fine.count <= count + 1 { return fine }
    let decades = powers.map(Self.powerOfTen).filter(isWithin)
    let step = max(1, (decades.count + count - 1) / count)
    return stride(from: 0, to: decades.count, by: step).map { decades[$0] }
  }

  /// The next 1, 2 or 5 times a power of ten that is not less.
  private static func roundedUp(_ value: Double) -> Double {
    let power = powerOfTen(Int(log10(value).rounded(.down)))
    return [1, 2, 5].map { $0 * power }.first { $0 >= value * 0.999_999 } ?? 10 * power
  }

  /// The next 1, 2 or 5 times a power of ten that is not more.
  private static func roundedDown(_ value: Double) -> Double {
    let power = powerOfTen(Int(log10(value).rounded(.down)))
    return [5, 2, 1].map { $0 * power }.first { $0 <= value * 1.000_001 } ?? power
  }

  /// By division where the exponent is negative: pow(10, -1) times 2 is not 0.2.
  private static func powerOfTen(_ exponent: Int) -> Double {
    exponent < 0 ? 1 / pow(10, Double(-exponent)) : pow(10, Double(exponent))
  }
}
