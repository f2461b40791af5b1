/// Numbers for people: three digits that count, and k, M or G where there would be more.
enum NumberText {
  static func text(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    if value < 0 { return "-" + text(-value) }
    var value = value
    var suffix = ""
    for next in ["k", "M", "G"] where value >= 9_999.5 {
      value /= 1000
      suffix = next
    }
    let digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
    return fixed(value, digits: digits) + suffix
  }

  /// With a number of digits after the point.
  static func fixed(_ value: Double, digits: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "–" }
    if value < 0 { return "-" + fixed(-value, digits: digits) }
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value * Double(scale)).rounded())
    if digits == 0 { return String(scaled) }
    let fraction = String(scaled % scale)
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return "\(scaled / scale).\(zeros)\(fraction)"
  }

  /// With as many digits as it takes, for numbers that are round.
  static func brief(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    if value < 0 { return "-" + brief(-value) }
    var value = value
    var suffix = ""
    for next in ["k", "M", "G"] where value >= 10_000 {
      value /= 1000
      suffix = next
    }
    for digits in 0..<6 {
      let text = fixed(value, digits: digits)
      if let read = Double(text), abs(read - value) <= value * 1e-6 { return text + suffix }
    }
    return text(value) + suffix
  }

  /// A round number of microseconds, in the unit that people would take.
  static func microseconds(_ value: Double) -> String {
    if value >= 1e6 { return "\(brief(value / 1e6)) s" }
    if value >= 1e3 { return "\(brief(value / 1e3)) ms" }
    if value >= 1 { return "\(brief(value)) µs" }
    return "\(brief(value * 1e3)) ns"
  }

  /// A name that fits where there is room for so many letters.
  static func shortened(_ name: String, to count: Int) -> String {
    name.count <= count ? name : name.prefix(count - 1) + "…"
  }
}
