import ArgumentParser
import Coroutines

struct ServeCopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy",
    abstract: "Copies standard input to standard output, until end of file.")

  @Option(help: "The backend: \(BackendUnderTest.names).")
  var backend: String = BackendUnderTest.all[0].name

  @Option(help: "Bytes to read at a time, at most.")
  var size: Int = 65_536

  func validate() throws {
    _ = try validated { try BackendUnderTest.named(backend) }
    guard size > 0 else { throw ValidationError("--size must be at least 1.") }
  }

  func run() throws {
    try Coroutine.run(on: BackendUnderTest.named(backend).choice) {
      let input = try PipeEnd(borrowing: .standardInput)
      try input.copy(to: PipeEnd(borrowing: .standardOutput), size: size)
    }
  }
}

extension PipeEnd {
  /// Copies what comes from here, up to its end, at most `size` bytes at a time.
  fileprivate func copy(to writer: PipeEnd, size: Int) throws(CoroutineError) {
    var buffer = [UInt8](repeating: 0, count: size)
    while case let n = try read(into: &buffer), n > 0 { try writer.writeAll(buffer[..<n]) }
  }
}
