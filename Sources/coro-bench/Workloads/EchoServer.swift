import Coroutines

/// An echo server as a user would write it: a coroutine a connection, an ordinary blocking loop.
struct EchoServer {
  let listener: Socket
  let address: Socket.Address

  /// Binds and listens.
  init(at address: Socket.Address) throws(CoroutineError) {
    listener = try Coroutine.socket(address.family, .stream)
    if address.family != .unix { try listener.setOption(.reuseAddress, true) }
    try listener.bind(to: address)
    try listener.listen()
    self.address = try listener.localAddress
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
    let isTCP = address.family != .unix
    Coroutine(name: "echo", daemon: true) {
      do throws(CoroutineError) {
        if isTCP { try peer.setOption(.noDelay, true) }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while case let n = try peer.receive(into: &buffer), n > 0 { try peer.sendAll(buffer[..<n]) }
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
