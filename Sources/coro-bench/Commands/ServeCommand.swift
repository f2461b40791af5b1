import ArgumentParser
import CLinux
import Glibc
import Coroutines

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "A server for a load generator of your own.",
    subcommands: [EchoCommand.self, ServeCopyCommand.self])

  struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "echo",
      abstract: "Sends back what it receives, until SIGINT or SIGTERM.",
      discussion: "Prints 'listening on ADDRESS' when it is ready; port 0 chooses a free one.")

    @Option(help: "The backend: \(BackendUnderTest.names).")
    var backend: String = BackendUnderTest.all[0].name

    @Option(help: "Listen on HOST:PORT or [HOST]:PORT, numeric.")
    var tcp: String?

    @Option(help: "Listen on a path, or on @NAME in the abstract name space.")
    var unix: String?

    func validate() throws {
      guard (tcp == nil) != (unix == nil) else {
        throw ValidationError("Give either --tcp or --unix.")
      }
      _ = try validated { try BackendUnderTest.named(backend) }
    }

    func run() throws {
      DescriptorLimit.raise()
      let address = try Socket.Address(parsing: tcp ?? "unix:\(unix ?? "")")
      try Coroutine.run(on: BackendUnderTest.named(backend).choice) {
        let server = try EchoServer(at: address)
        defer { if let path = address.path { unlink(path) } }
        for number in [SIGINT, SIGTERM] {
          try Coroutine.signal(number) { _ in try server.listener.close() }
        }
        print("listening on \(server.address)")
        // Whoever waits for this line may read it through a pipe.
        fflush(nil)
        try server.run()
      }
    }
  }
}
