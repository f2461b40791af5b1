import ArgumentParser

struct ServeStreamCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream",
    abstract: """
      Sends back messages of 512 B, of which up to 16 wait between who receives and who sends.
      """)

  @OptionGroup var options: ConnectionOptions

  func run() throws { try options.serve(.stream) }
}
