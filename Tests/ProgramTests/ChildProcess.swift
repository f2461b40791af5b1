import Foundation

/// A program that is built beside the tests, run to its end.
struct ChildProcess {
  let output: String
  let errors: String
  let status: Int32
  let isSignalled: Bool

  /// Where the programs are: beside the tests, or where `COROUTINE_TEST_PROGRAMS` says.
  static var directory: URL {
    if let path = ProcessInfo.processInfo.environment["COROUTINE_TEST_PROGRAMS"] {
      return URL(fileURLWithPath: path)
    }
    return URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent()
  }

  init(_ program: String, _ arguments: String..., environment: [String: String] = [:]) throws {
    let process = Process()
    process.executableURL = Self.directory.appendingPathComponent(program)
    process.arguments = arguments
    // Backtraces of programs that are meant to trap would take a second each.
    let quiet = ["SWIFT_BACKTRACE": "enable=no"]
    process.environment = ProcessInfo.processInfo.environment
      .merging(quiet) { $1 }.merging(environment) { $1 }
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    self.errors = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    status = process.terminationStatus
    isSignalled = process.terminationReason == .uncaughtSignal
  }
}
