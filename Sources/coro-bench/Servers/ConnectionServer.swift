import Coroutines
import SystemPackage

/// What a server does with each connection, until its end of file.
struct ConnectionService: Sendable {
  let name: String
  let serve: @Sendable (Socket) throws(CoroutineError) -> Void
}

/// A server as a user would write it: a coroutine a connection, which may block.
struct ConnectionServer {
  let service: ConnectionService
  let listener: Socket
  let address: Socket.Address

  /// Binds and listens.
  ///
  /// - Parameter sharesPort: Whether other listeners that say so too may have the same address, and
  ///   connections are distributed among them.
  init(
    _ service: ConnectionService, at address: Socket.Address, sharesPort: Bool = false
  ) throws(CoroutineError) {
    let listener = try Coroutine.socket(address.family, .stream)
    if address.family != .unix {
      try listener.setOption(.reuseAddress, true)
      // Connections inherit it, which saves a system call for each.
      try listener.setOption(.noDelay, true)
    }
    if sharesPort { try listener.setOption(.reusePort, true) }
    try listener.bind(to: address)
    try listener.listen()
    try self.init(service, listener)
  }

  /// Serves who comes to a listener that exists.
  init(_ service: ConnectionService, _ listener: Socket) throws(CoroutineError) {
    self.service = service
    self.listener = listener
    address = try listener.localAddress
  }

  /// Serves until the listener is closed.
  func run() throws(CoroutineError) {
    while true {
      do throws(CoroutineError) {
        serve(try listener.accept())
      } catch {
        switch error.code {
        case .closed: return
        // Most likely too many open descriptors: some connection has to end first.
        case .system: try Coroutine.sleep(for: .milliseconds(20))
        default: throw error
        }
      }
    }
  }

  private func serve(_ peer: Socket) {
    Coroutine(name: service.name, daemon: true) { [service] in
      do throws(CoroutineError) {
        try service.serve(peer)
      } catch {
        // A peer that resets its connection has the right to; anything else is for the hook.
        switch error.code {
        case .system: return
        default: throw error
        }
      }
    }.start()
  }
}
