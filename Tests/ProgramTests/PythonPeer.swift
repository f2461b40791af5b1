import Foundation

/// A Python program at the other end of a socket.
///
/// It must be there where the backends are required by name, as in CI; else its tests are skipped.
struct PythonPeer {
  private let process = Process()
  private let output = Pipe()

  static let path: String? = {
    let directories = ProcessInfo.processInfo.environment["PATH", default: "/usr/bin"]
    return directories.split(separator: ":").map { "\($0)/python3" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  static var isRequired: Bool {
    ProcessInfo.processInfo.environment["COROUTINE_REQUIRE", default: ""].isEmpty == false
  }

  /// Starts it; `arguments` are its `sys.argv[1:]`, what it prints is for `finish()`.
  init(_ script: String, _ arguments: String...) throws {
    let prelude = """
      import array, os, select, socket, struct, sys
      def abstract(name): return b"\\0" + name.encode()
      def connect(name, kind=socket.SOCK_STREAM):
        s = socket.socket(socket.AF_UNIX, kind)
        s.settimeout(30)
        s.connect(abstract(name))
        return s

      """
    process.executableURL = URL(fileURLWithPath: Self.path ?? "/usr/bin/python3")
    process.arguments = ["-c", prelude + script] + arguments
    process.standardOutput = output
    try process.run()
  }

  var processID: Int32 { process.processIdentifier }

  /// What it printed, line by line; its exit status is the last line where that is not 0.
  func finish() -> [String] {
    let text = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return lines.dropLast() + (process.terminationStatus == 0 ? [] : ["failed"])
  }
}
