import Glibc

/// One contender's cost over another's, by rounds that were measured in pairs.
///
/// A machine drifts, but it drifts for both of two rounds that were measured next to each other, so
/// what is looked at is the quotient of each pair. Its logarithm is averaged: halving and doubling
/// weigh the same then, and the ratio of b to a is one over that of a to b. The mean of the
/// logarithms has an interval by Student's t; brought back by exp it is one for the ratio of the
/// geometric means.
///
/// That is the paired t-test on log-transformed data, as in Bland and Altman, "The use of
/// transformation when comparing two means", BMJ 312 (1996), 1153. That few rounds want t rather
/// than the normal distribution: Georges, Buytaert and Eeckhout, "Statistically rigorous Java
/// performance evaluation", OOPSLA 2007.
struct PairedRatio: Equatable {
  let ratio: Double
  /// The ends of its interval of 95 %, as far as the rounds of this run can tell.
  let low: Double
  let high: Double

  /// - Parameters:
  ///   - rounds: Those of the contender.
  ///   - others: As many of another one, in the same order.
  /// - Returns: nil for fewer than three pairs, for rounds that have no partner, and where there is
  ///   no logarithm.
  init?(_ rounds: [Double], over others: [Double]) {
    guard rounds.count >= 3, rounds.count == others.count,
      (rounds + others).allSatisfy({ $0.isFinite && $0 > 0 })
    else { return nil }
    let count = Double(rounds.count)
    let logarithms = zip(rounds, others).map { log($0) - log($1) }
    let mean = logarithms.reduce(0, +) / count
    let squares = logarithms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let standardError = sqrt(squares / (count - 1) / count)
    let reach = Self.quantile(degreesOfFreedom: rounds.count - 1) * standardError
    ratio = exp(mean)
    low = exp(mean - reach)
    high = exp(mean + reach)
    guard low > 0, high.isFinite else { return nil }
  }

  /// The quantile 0.975 of Student's distribution, or of the normal one beyond the table.
  static func quantile(degreesOfFreedom: Int) -> Double {
    degreesOfFreedom <= table.count ? table[degreesOfFreedom - 1] : 1.95996
  }

  /// For one degree of freedom and up.
  private static let table = [
    12.70620, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.30600, 2.26216, 2.22814,
    2.20099, 2.17881, 2.16037, 2.14479, 2.13145, 2.11991, 2.10982, 2.10092, 2.09302, 2.08596,
    2.07961, 2.07387, 2.06866, 2.06390, 2.05954, 2.05553, 2.05183, 2.04841, 2.04523, 2.04227,
  ]
}
