/// Why something is not done that was asked for; one sentence, for whoever asked.
struct Refusal: Error {
  let reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}

extension Refusal {
  /// sysexits.h: the command was used incorrectly.
  static let exitStatus: CInt = 64
}
