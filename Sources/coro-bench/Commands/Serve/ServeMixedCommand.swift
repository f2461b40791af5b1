import ArgumentParser

struct ServeMixedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mixed",
    abstract: "Sends back what it receives, while 10 coroutines compute in slices of 1 ms.")

  @OptionGroup var options: ConnectionOptions

  func run() throws { try options.serve(.echo) { Computation.start() } }
}
