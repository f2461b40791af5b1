/// A workload that a peer knows.
package struct Round: Sendable {
  /// Measures for about so long.
  package typealias Measure = @Sendable (Parameters, Duration) async throws -> [Figure]

  let workload: String
  /// All of them have to be given, and no others.
  let parameters: [String]
  let measure: Measure

  package init(_ workload: String, parameters: [String] = [], measure: @escaping Measure) {
    self.workload = workload
    self.parameters = parameters
    self.measure = measure
  }
}

/// Something that comes out of a round, in the unit that the contract of peers tells.
package struct Figure: Sendable {
  /// What it is, if the workload's name does not say it.
  let name: String
  let value: Double

  package init(_ name: String, _ value: Double) {
    self.name = name
    self.value = value
  }

  /// One without a name.
  package init(_ value: Double) {
    self.init("", value)
  }
}
