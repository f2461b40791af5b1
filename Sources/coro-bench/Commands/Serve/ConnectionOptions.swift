import ArgumentParser
import Coroutines
import Glibc

/// What the servers of connections have in common.
struct ConnectionOptions: ParsableArguments {
  @OptionGroup var backend: BackendOption

  @Option(help: "Listen on HOST:PORT or [HOST]:PORT, numeric.")
  var tcp: String?

  @Option(help: "Listen on a path, or on @NAME in the abstract name space.")
  var unix: String?

  func validate() throws {
    guard (tcp == nil) != (unix == nil) else {
      throw ValidationError("Give either --tcp or --unix.")
    }
  }

  /// Serves until a signal comes.
  ///
  /// - Parameters:
  ///   - threadCount: How many loops there are, each on a thread of its own; 1: only this one.
  ///   - startBeside: Starts what this loop has to do besides.
  func serve(
    _ service: ConnectionService, threadCount: Int = 1, beside startBeside: () -> Void = {}
  ) throws {
    DescriptorLimit.raise()
    let address = try Socket.Address(parsing: tcp ?? "unix:\(unix ?? "")")
    let choice = try backend.choice
    var threads = try ServerThreads()
    defer { threads.stop() }
    try Coroutine.run(on: choice) {
      let sharesPort = threadCount > 1
      let server = try ConnectionServer(service, at: address, sharesPort: sharesPort)
      defer { if let path = address.path { unlink(path) } }
      // The first one has chosen the port. All of them listen before anybody is told to connect.
      for _ in 1..<threadCount {
        let other = try ConnectionServer(service, at: server.address, sharesPort: sharesPort)
        try threads.start(service, other.listener.detach(), on: choice)
      }
      try ServerSignals.onEnd { try server.listener.close() }
      startBeside()
      ServerSignals.announce(server.address)
      try server.run()
    }
  }
}
