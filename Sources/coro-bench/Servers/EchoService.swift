import Coroutines

extension ConnectionService {
  /// Sends back what it receives.
  static let echo = ConnectionService(name: "echo") { peer throws(CoroutineError) in
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while case let n = try peer.receive(into: &buffer), n > 0 { try peer.sendAll(buffer[..<n]) }
  }
}
