import Glibc

/// One line on standard error that says how far a long run is.
struct Progress {
  let isShown: Bool
  /// A line that is overwritten, rather than one line after the other.
  let isTerminal: Bool

  init(isForced: Bool) {
    isTerminal = isatty(STDERR_FILENO) == 1
    isShown = isForced || isTerminal
  }

  func show(_ done: Double, _ what: String) {
    guard isShown else { return }
    let line = "\(Int(done * 100)) %  \(what)"
    write(isTerminal ? "\r\u{1b}[K\(line)" : "\(line)\n")
  }

  func clear() {
    if isShown, isTerminal { write("\r\u{1b}[K") }
  }

  private func write(_ text: String) {
    StandardError.write(text)
  }
}

enum StandardError {
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }
}
