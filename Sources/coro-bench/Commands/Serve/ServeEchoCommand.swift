import ArgumentParser

struct ServeEchoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "echo", abstract: "Sends back what it receives.")

  @OptionGroup var options: ConnectionOptions

  @Option(help: "Serve with so many loops, each on a thread of its own; TCP only.")
  var threads: Int = 1

  func validate() throws {
    guard threads > 0 else { throw ValidationError("--threads must be at least 1.") }
    guard threads == 1 || options.tcp != nil else {
      throw ValidationError("A Unix socket has one listener, so --threads must be 1.")
    }
  }

  func run() throws { try options.serve(.echo, threadCount: threads) }
}
