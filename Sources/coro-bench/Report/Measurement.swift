/// What the rounds of one case said: each figure's statistics for each contender.
///
/// This is what a session makes; a `Report` is made of it.
struct Measurement {
  let workload: String
  let label: String
  let parameters: Parameters
  let figure: Figure
  /// In the order of the contenders; one whose rounds failed is missing.
  let results: [(contender: String, statistics: Statistics)]
}
