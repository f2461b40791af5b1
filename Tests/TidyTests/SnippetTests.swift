import Foundation
import Testing

/// The documentation shows the code that is built and run, and no other.
@Suite struct Snippets {
  private static let documents = [
    "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md",
  ]

  @Test(arguments: documents)
  func `a marked snippet is the file that it names`(document: String) {
    // Not every document is written yet, or shows code.
    guard let text = Repository.text(document) else { return }
    for (path, snippet) in snippets(of: text) {
      guard let file = Repository.text(path) else {
        Issue.record("\(document) shows \(path), which is not there")
        continue
      }
      #expect(snippet == file, "\(document) shows another text than \(path) holds")
    }
  }

  @Test func `markers are found with the code below them`() {
    let text = """
      Some words.

      <!-- snippet: a/b.swift -->
      ```swift
      let x = 1
      let y = 2
      ```

      ```swift
      unmarked
      ```
      <!-- snippet: c.swift -->

      ```swift
      let z = 3
      ```
      """
    let found = snippets(of: text)
    #expect(found.map(\.path) == ["a/b.swift", "c.swift"])
    #expect(found.map(\.snippet) == ["let x = 1\nlet y = 2\n", "let z = 3\n"])
  }

  /// The files that a document's markers name, each with the code block that follows the marker.
  private func snippets(of text: String) -> [(path: String, snippet: String)] {
    var result: [(String, String)] = []
    var path: String?
    var block: [Substring]?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if let match = line.firstMatch(of: /<!-- snippet: (\S+) -->/) {
        path = String(match.1)
      } else if line.hasPrefix("```") {
        if let lines = block, let name = path {
          result.append((name, lines.map { $0 + "\n" }.joined()))
          path = nil
        }
        block = block == nil && path != nil ? [] : nil
      } else if block != nil {
        block?.append(line)
      }
    }
    return result
  }
}
