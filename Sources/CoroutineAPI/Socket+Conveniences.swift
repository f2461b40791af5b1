// What Python's socket module makes of several calls.

extension Socket {
  /// Makes two Unix sockets that are connected with each other: `Coroutine.socketPair(_:)`.
  ///
  /// Does not suspend. The corresponding C function is `socketpair`.
  ///
  /// - Parameter kind: `.stream`, `.datagram` or `.seqpacket`.
  /// - Throws: As `Coroutine.socketPair(_:)` does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public static func pair(_ kind: Kind = .stream) throws(CoroutineError) -> (Socket, Socket) {
    try Coroutine.socketPair(kind)
  }

  /// Whether the next byte that is received is the one after the urgent data.
  ///
  /// Does not suspend. The corresponding C function is `sockatmark`.
  ///
  /// - Throws: `system`, `closed`, `misuse` where there is no loop.
  public var isAtMark: Bool {
    get throws(CoroutineError) {
      try call("isAtMark", .ask(handle.descriptor, .isAtMark), operands) > 0
    }
  }
}

extension Coroutine {
  /// Makes a stream socket and connects it, as Python's `socket.create_connection` does.
  ///
  /// Suspends until the connection is made. After an error nothing is left open.
  ///
  /// - Parameters:
  ///   - address: Whom to connect to.
  ///   - source: The address to bind to before; nil: the kernel chooses.
  ///   - timeout: See `Socket`.
  /// - Throws: What `socket(_:_:)`, `Socket.bind(to:)` and `Socket.connect(to:timeout:)` throw.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public static func createConnection(
    to address: Socket.Address, from source: Socket.Address? = nil, timeout: Duration? = nil
  ) throws(CoroutineError) -> Socket {
    let socket = try socket(address.family, .stream)
    if let source { try socket.bind(to: source) }
    try socket.connect(to: address, timeout: timeout)
    return socket
  }

  /// Makes a stream socket that listens, as Python's `socket.create_server` does.
  ///
  /// `.reuseAddress` is on where the address has a port, and an IPv6 socket takes no IPv4
  /// connections unless it is told to. Does not suspend. After an error nothing is left open.
  ///
  /// - Parameters:
  ///   - address: Where to listen.
  ///   - backlog: How many connections may wait to be accepted.
  ///   - reusePort: Whether other servers may listen on the same port (`.reusePort`).
  ///   - isDualStack: Whether an IPv6 socket takes IPv4 connections too.
  /// - Throws: What `socket(_:_:)`, `Socket.bind(to:)` and `Socket.listen(backlog:)` throw.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public static func createServer(
    at address: Socket.Address, backlog: Int = 4096, reusePort: Bool = false,
    isDualStack: Bool = false
  ) throws(CoroutineError) -> Socket {
    let socket = try socket(address.family, .stream)
    if address.port != nil { try socket.setOption(.reuseAddress, true) }
    if reusePort { try socket.setOption(.reusePort, true) }
    if address.family == .inet6 { try socket.setOption(.ipv6Only, !isDualStack) }
    try socket.bind(to: address)
    try socket.listen(backlog: backlog)
    return socket
  }
}
