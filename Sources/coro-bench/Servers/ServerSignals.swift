import Coroutines
import Glibc

/// How a server talks to whoever started it.
enum ServerSignals {
  /// Calls `body` when the server has to end.
  static func onEnd(_ body: @escaping () throws -> Void) throws(CoroutineError) {
    for number in [SIGINT, SIGTERM] { try Coroutine.signal(number) { _ in try body() } }
  }

  /// Says that the server is ready.
  static func announce(_ address: Socket.Address) {
    print("listening on \(address.textForClients)")
    // Whoever waits for this line may read it through a pipe.
    fflush(nil)
  }
}

extension Socket.Address {
  /// As clients take it on the command line: "host:port", "[host]:port", a path, or @ and an
  /// abstract name.
  fileprivate var textForClients: String {
    if let path { return path }
    if let abstractName { return "@\(abstractName)" }
    return description
  }
}
