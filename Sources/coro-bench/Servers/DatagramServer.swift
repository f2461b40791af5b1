import Coroutines

/// Sends each datagram back to where it came from.
struct DatagramServer {
  let socket: Socket
  let address: Socket.Address

  init(at address: Socket.Address) throws(CoroutineError) {
    socket = try Coroutine.socket(address.family, .datagram)
    try socket.bind(to: address)
    self.address = try socket.localAddress
  }

  /// Serves until the socket is closed.
  func run() throws(CoroutineError) {
    var buffer = [UInt8](repeating: 0, count: 2048)
    while true {
      do throws(CoroutineError) {
        let (count, sender) = try socket.receiveFrom(into: &buffer)
        _ = try socket.send(buffer[..<count], to: sender)
      } catch {
        switch error.code {
        case .closed: return
        // Whether a datagram arrives is nobody's promise.
        case .system: continue
        default: throw error
        }
      }
    }
  }
}
