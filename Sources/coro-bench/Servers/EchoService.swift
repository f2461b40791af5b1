import Coroutines

extension ConnectionService {
  /// Sends back what it receives.
  ///
  /// By spans, which own nothing: a slice of an array counts a reference and gives it back for each
  /// message, and whoever passes an array to be written to has it looked at who else has it.
  static let echo = ConnectionService(name: "echo") { peer throws(CoroutineError) in
    var array = [UInt8](repeating: 0, count: 16_384)
    var elements = array.mutableSpan
    var buffer = elements.mutableBytes
    while case let n = try peer.receive(into: &buffer), n > 0 {
      try peer.sendAll(buffer.bytes.extracting(first: n))
    }
  }
}
