/// Labels beside a chart that would lie upon one another.
enum LabelPlacement {
  /// Moves positions apart, as little as it takes, and keeps their order.
  ///
  /// - Parameters:
  ///   - positions: Where the labels should be, in any order.
  ///   - gap: The distance that two of them need.
  ///   - limits: Where they may be; if there is not room for all, the last ones lie beyond.
  /// - Returns: A place for each, in the order of `positions`.
  static func spread(
    _ positions: [Double], gap: Double, within limits: ClosedRange<Double>
  ) -> [Double] {
    let order = positions.indices.sorted { positions[$0] < positions[$1] }
    var places = order.map { positions[$0] }
    // From below upwards none may be too near to the end, then from above none to its neighbour.
    var limit = limits.upperBound
    for index in places.indices.reversed() {
      places[index] = min(places[index], limit)
      limit = places[index] - gap
    }
    limit = limits.lowerBound
    for index in places.indices {
      places[index] = max(places[index], limit)
      limit = places[index] + gap
    }
    var result = positions
    for (place, index) in zip(places, order) { result[index] = place }
    return result
  }
}
