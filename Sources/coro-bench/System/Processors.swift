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
    /// On the second one.
    case load
    case all
  }

  /// The processor that is left for the load, if there is more than one.
  static var load: CInt? {
    let allowed = allowed
    return allowed.count > 1 ? allowed[1] : nil
  }

  /// Calls `body`, which may only run there, as may what it starts.
  static func pinned<Result>(to place: Place, _ body: () throws -> Result) rethrows -> Result {
    let before = allowed
    guard place != .all, before.count > 1 else { return try body() }
    _ = bench_pin_to_processors([before[place == .measured ? 0 : 1]], 1)
    defer { _ = bench_pin_to_processors(before, CInt(before.count)) }
    return try body()
  }

  /// Pins this process to the given processor, if it is there.
  static func pin(to number: Int) {
    _ = bench_pin_to_processors([CInt(number)], 1)
  }
}
