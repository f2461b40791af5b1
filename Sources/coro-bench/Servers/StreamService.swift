import Coroutines

extension ConnectionService {
  /// One coroutine receives messages and puts them into a queue, another takes them out and sends
  /// them back.
  static let stream = ConnectionService(name: "stream") { peer throws(CoroutineError) in
    let messages = BoundedQueue<Message>(capacity: 16)
    Coroutine(name: "stream sender", daemon: true) {
      // Whoever waits for room must not do so for ever when the peer takes no more.
      defer { messages.close() }
      do throws(CoroutineError) {
        while let message = try messages.take() { try peer.sendAll(message) }
      } catch {
        // The receiver meets the same end, and it is not worth more to this one than to it.
        switch error.code {
        case .system: return
        default: throw error
        }
      }
    }.start()
    defer { messages.close() }
    var message = Message(repeating: 0)
    while try peer.receive(into: &message, flags: .waitAll) == message.count,
      try messages.put(message)
    {}
  }

  /// Goes from one to the other by value, and so makes no garbage.
  private typealias Message = InlineArray<512, UInt8>
}
