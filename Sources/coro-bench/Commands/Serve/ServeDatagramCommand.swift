import ArgumentParser
import Coroutines

struct ServeDatagramCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "datagram",
    abstract: "Sends each datagram, of up to 2 KiB, back to where it came from.")

  @OptionGroup var backend: BackendOption

  @Option(help: "Receive on HOST:PORT or [HOST]:PORT, numeric.")
  var udp: String

  func run() throws {
    let address = try Socket.Address(parsing: udp)
    try Coroutine.run(on: backend.choice) {
      let server = try DatagramServer(at: address)
      try ServerSignals.onEnd { try server.socket.close() }
      ServerSignals.announce(server.address)
      try server.run()
    }
  }
}
