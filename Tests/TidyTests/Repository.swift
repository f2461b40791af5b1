import Foundation

/// The repository's files, as text.
enum Repository {
  /// A file that people edit.
  struct File: CustomStringConvertible, Sendable {
    /// Relative to the root.
    let path: String
    let lines: [Substring]

    var description: String { path }

    /// The source target that it belongs to, or nil.
    var target: String? {
      let parts = path.split(separator: "/")
      return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
  }

  /// This file lies two folders below the root.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Swift and C of every package in the repository.
  static let sources: [File] = ["Sources", "Tests", "Examples", "Benchmarks"].flatMap {
    files(in: $0)
  }

  static func text(_ path: String) -> String? {
    try? String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  private static func files(in folder: String) -> [File] {
    let names = FileManager.default.enumerator(
      atPath: root.appending(path: folder).path(percentEncoded: false))
    var result: [File] = []
    while let name = names?.nextObject() as? String {
      let path = "\(folder)/\(name)"
      guard [".swift", ".c", ".h"].contains(where: { path.hasSuffix($0) }),
        !path.split(separator: "/").contains(where: { $0.hasPrefix(".") }),
        let text = text(path)
      else { continue }
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      // The last line ends with a newline, and is no line more.
      result.append(File(path: path, lines: lines.last == "" ? lines.dropLast() : lines))
    }
    return result.sorted { $0.path < $1.path }
  }

  /// A line without what a comment says; strings that hold `//` are rare, and hold URLs.
  static func code(_ line: Substring) -> Substring {
    guard let comment = line.range(of: "//"), !line[..<comment.lowerBound].hasSuffix(":") else {
      return line
    }
    return line[..<comment.lowerBound]
  }
}
