import ArgumentParser
import Coroutines

struct ServeCopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy",
    abstract: "Moves standard input to standard output, until end of file; one has to be a pipe.")

  @Option(help: "The backend: \(BackendUnderTest.names).")
  var backend: String = BackendUnderTest.all[0].name

  @Option(help: "Bytes to move at a time, at most.")
  var size: Int = 65_536

  func validate() throws {
    _ = try validated { try BackendUnderTest.named(backend) }
    guard size > 0 else { throw ValidationError("--size must be at least 1.") }
  }

  func run() throws {
    try Coroutine.run(on: BackendUnderTest.named(backend).choice) {
      let input = try PipeEnd(borrowing: .standardInput)
      let output = try PipeEnd(borrowing: .standardOutput)
      while try input.splice(to: output, count: size) > 0 {}
    }
  }
}
