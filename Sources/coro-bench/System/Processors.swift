import CBench

/// Who runs where: the measured process on the first processor, its load on the second.
enum Processors {
  static var allowed: [CInt] {
    var numbers = [CInt](repeating: 0, count: 1024)
    let count = bench_allowed_processors(&numbers, CInt(numbers.count))
    return Array(numbers.prefix(Int(count)))
  }

  /// Where something may run.
  enum Place {
    /// On the first processor.
    case measured
    case all
  }

  /// The processor that is left for the load, if there is more than one.
  static var load: CInt? {
    let allowed = allowed
    return allowed.count > 1 ? allowed[1] : nil
  }

  /// Calls `body`; what it starts may only run there.
  static func pinned<Result>(to place: Place, _ body: () throws -> Result) rethrows -> Result {
    let before = allowed
    guard case .measured = place, before.count > 1 else { return try body() }
    _ = bench_pin_to_processors(before, 1)
    defer { _ = bench_pin_to_processors(before, CInt(before.count)) }
    return try body()
  }

  /// Pins this process to the given processor, if it is there.
  static func pin(to number: Int) {
    _ = bench_pin_to_processors([CInt(number)], 1)
  }
}
