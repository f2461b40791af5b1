import ArgumentParser

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "A server for a load generator of your own.",
    discussion: """
      Prints 'listening on ADDRESS' when it is ready, and serves until SIGINT or SIGTERM. Port 0 \
      chooses a free one.
      """,
    subcommands: [
      ServeEchoCommand.self, ServeStreamCommand.self, ServeDatagramCommand.self,
      ServeMixedCommand.self, ServeCopyCommand.self,
    ])
}
