import CBench

/// Who runs where: the measured process on the first processor, its load on the second.
enum Processors {
  static var allowed: [CInt] {
    var numbers = [CInt](repeating: 0, count: 1024)
    let count = bench_allowed_processors(&numbers, CInt(numbers.count))
    return Array(numbers.prefix(Int(count)))
  }

  /// Pins this process, and what it starts, if there is more than one processor.
  ///
  /// - Returns: The processor that is left for its load.
  static func pinMeasuredProcess() -> CInt? {
    let allowed = allowed
    guard allowed.count > 1, bench_pin_to_processor(allowed[0]) == 0 else { return nil }
    return allowed[1]
  }

  /// Pins this process to the given processor, if it is there.
  static func pin(to number: Int) {
    _ = bench_pin_to_processor(CInt(number))
  }
}
