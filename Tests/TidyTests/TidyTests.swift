import Foundation
import Testing

/// What review forgets.
@Suite struct Tidiness {
  @Test func `there are files to look at`() {
    #expect(Repository.sources.count > 40)
  }

  @Test func `lines have at most 100 columns`() {
    for file in Repository.sources {
      for (number, line) in file.lines.enumerated() where line.count > 100 {
        Issue.record("\(file):\(number + 1) has \(line.count) columns")
      }
    }
  }

  @Test func `files have at most 400 lines`() {
    for file in Repository.sources where file.lines.count > 400 {
      Issue.record("\(file) has \(file.lines.count) lines; split it by concern")
    }
  }

  @Test func `functions have at most 60 lines`() {
    for file in Repository.sources {
      for (name, number, length) in functions(of: file) where length > 60 {
        Issue.record("\(file):\(number) has \(length) lines: \(name)")
      }
    }
  }

  @Test(arguments: [
    ("print(", "throw, trap, or tell the hook: a library does not print"),
    ("try!", "say what happens if it throws"),
    ("@unchecked Sendable", "a comment on the line before names the invariant"),
    ("nonisolated(unsafe)", "a comment on the line before names the invariant"),
  ])
  func `sources hold nothing that is banned`(word: String, advice: String) {
    let needsComment = advice.hasPrefix("a comment")
    for file in Repository.sources where file.target != nil && file.target != "coro-bench" {
      for (number, line) in file.lines.enumerated() {
        let text = Repository.code(line)
        guard text.contains(word), !isPartOfAName(word, in: text) else { continue }
        if needsComment, hasComment(above: number, in: file) { continue }
        Issue.record("\(file):\(number + 1) holds “\(word)”: \(advice)")
      }
    }
  }

  @Test func `what is still to do has an issue's number`() {
    // In two halves, so that this file holds neither.
    let (later, broken) = ("TO" + "DO", "FIX" + "ME")
    for file in Repository.sources {
      for (number, line) in file.lines.enumerated() {
        let isNumbered = line.ranges(of: later).allSatisfy {
          line[$0.upperBound...].prefixMatch(of: /\(#\d+\)/) != nil
        }
        if line.contains(broken) || !isNumbered {
          Issue.record("\(file):\(number + 1): open an issue and write \(later)(#number)")
        }
      }
    }
  }

  // MARK: Helpers

  /// `print(` is part of `fingerprint(`, and a type may have a member of that name.
  private func isPartOfAName(_ word: String, in line: Substring) -> Bool {
    guard let range = line.range(of: word) else { return false }
    let before = line[..<range.lowerBound]
    if before.hasSuffix("Swift.") { return false }
    guard let last = before.last else { return false }
    return last.isLetter || last == "_" || last == "." || before.hasSuffix("func ")
  }

  /// Whether a comment stands right above the declaration that holds the line.
  private func hasComment(above number: Int, in file: Repository.File) -> Bool {
    file.lines[max(0, number - 4)...number].contains { $0.contains("//") }
  }

  /// Each function with its first line and its length, to the brace that matches its first one.
  private func functions(of file: Repository.File) -> [(name: String, number: Int, length: Int)] {
    var result: [(String, Int, Int)] = []
    for (number, line) in file.lines.enumerated() {
      let text = line.drop { $0 == " " }
      let isFunction =
        file.isSwift ? beginsSwiftFunction(text) : beginsCFunction(text, isIndented: text != line)
      guard isFunction, let length = length(ofBodyIn: file.lines[number...]) else { continue }
      result.append((String(text), number + 1, length))
    }
    return result
  }

  /// Lines up to the one that closes the first brace; nil if a declaration without a body is over
  /// before, at an empty line or at somebody else's closing brace.
  private func length(ofBodyIn lines: ArraySlice<Substring>) -> Int? {
    var depth = 0
    var isOpen = false
    for (index, line) in zip(lines.indices, lines) {
      let braces = Repository.code(line).replacing(/"([^"\\]|\\.)*"/, with: "")
      for character in braces where character == "{" || character == "}" {
        depth += character == "{" ? 1 : -1
        if depth > 0 { isOpen = true }
        if depth < 0 { return nil }
      }
      if isOpen && depth == 0 { return index - lines.startIndex + 1 }
      if !isOpen && line.isEmpty { return nil }
    }
    return nil
  }

  private func beginsSwiftFunction(_ text: Substring) -> Bool {
    if text.hasPrefix("//") { return false }
    let words = text.split(separator: " ").prefix(8)
    return words.contains {
      $0 == "func" || $0.hasPrefix("init(") || $0 == "deinit" || $0.hasPrefix("init<")
    }
      && !text.hasPrefix("self.") && !text.hasPrefix("super.")
  }

  private func beginsCFunction(_ text: Substring, isIndented: Bool) -> Bool {
    !isIndented && text.contains("(") && !text.hasPrefix("//") && !text.hasPrefix("#")
      && !text.hasSuffix(";")
  }
}
