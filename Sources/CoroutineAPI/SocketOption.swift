import CLinux

/// An option of a socket, with the type of its value: `try socket.setOption(.reuseAddress, true)`.
public struct SocketOption<Value>: Sendable {
  let level: CInt
  let name: CInt
}

extension SocketOption where Value == Bool {
  /// SO_REUSEADDR: bind although connections of an earlier server linger (socket(7)).
  public static let reuseAddress = SocketOption(level: SOL_SOCKET, name: SO_REUSEADDR)
  /// SO_REUSEPORT: several sockets on one port share its connections.
  public static let reusePort = SocketOption(level: SOL_SOCKET, name: SO_REUSEPORT)
  /// SO_KEEPALIVE: probe an idle connection.
  public static let keepAlive = SocketOption(level: SOL_SOCKET, name: SO_KEEPALIVE)
  /// SO_BROADCAST: a datagram socket may send to broadcast addresses.
  public static let broadcast = SocketOption(level: SOL_SOCKET, name: SO_BROADCAST)
  /// TCP_NODELAY: small writes are sent at once (tcp(7)).
  public static let noDelay = SocketOption(level: CInt(IPPROTO_TCP), name: TCP_NODELAY)
  /// IPV6_V6ONLY: no IPv4 through mapped addresses (ipv6(7)).
  public static let ipv6Only = SocketOption(level: CInt(IPPROTO_IPV6), name: IPV6_V6ONLY)
  /// SO_ACCEPTCONN: whether it listens.
  ///
  /// Read only.
  public static let isListening = SocketOption(level: SOL_SOCKET, name: SO_ACCEPTCONN)
}

extension SocketOption where Value == Int {
  /// SO_SNDBUF, in bytes: the kernel doubles what is set, and reports the double.
  public static let sendBufferSize = SocketOption(level: SOL_SOCKET, name: SO_SNDBUF)
  /// SO_RCVBUF, in bytes: the kernel doubles what is set, and reports the double.
  public static let receiveBufferSize = SocketOption(level: SOL_SOCKET, name: SO_RCVBUF)
  /// IP_TTL: the hops a packet may make, 1–255 (ip(7)).
  public static let timeToLive = SocketOption(level: CInt(IPPROTO_IP), name: IP_TTL)
  /// SO_ERROR: the pending error as an errno value; reading clears it.
  ///
  /// Read only.
  public static let pendingError = SocketOption(level: SOL_SOCKET, name: SO_ERROR)
}

extension SocketOption {
  func value(of descriptor: CInt) throws(CoroutineError) -> CInt {
    var value: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    _ = try withUnsafeMutablePointer(to: &value) { value throws(CoroutineError) in
      try withUnsafeMutablePointer(to: &length) { length throws(CoroutineError) in
        try Scheduler.call(
          "option", .getOption(descriptor, level: level, name: name, value, length),
          "\(name) of socket \(descriptor)")
      }
    }
    return value
  }

  func set(_ value: CInt, of descriptor: CInt) throws(CoroutineError) {
    _ = try withUnsafeBytes(of: value) { bytes throws(CoroutineError) in
      try Scheduler.call(
        "setOption", .setOption(descriptor, level: level, name: name, bytes),
        "\(name) of socket \(descriptor) to \(value)")
    }
  }
}

extension Socket {
  /// Sets an option that is on or off.
  ///
  /// Does not suspend. The C function is `setsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT, EINVAL), `closed`, `misuse` where there is no loop.
  public func setOption(_ option: SocketOption<Bool>, _ value: Bool) throws(CoroutineError) {
    try checkOpen("setOption")
    try option.set(value ? 1 : 0, of: handle.descriptor)
  }

  /// Sets an option that is a number.
  ///
  /// Does not suspend. The C function is `setsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT, EINVAL), `invalidArgument` beyond 32 bits, `closed`,
  ///   `misuse` where there is no loop.
  public func setOption(_ option: SocketOption<Int>, _ value: Int) throws(CoroutineError) {
    try checkOpen("setOption")
    guard let number = CInt(exactly: value) else {
      throw CoroutineError(
        .invalidArgument, call: "setOption", operands: "\(option.name) of \(operands) to \(value)",
        detail: "the value does not fit 32 bits")
    }
    try option.set(number, of: handle.descriptor)
  }

  /// Whether an option is on.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT), `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<Bool>) throws(CoroutineError) -> Bool {
    try checkOpen("option")
    return try option.value(of: handle.descriptor) != 0
  }

  /// The value of an option.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT), `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<Int>) throws(CoroutineError) -> Int {
    try checkOpen("option")
    return Int(try option.value(of: handle.descriptor))
  }

  private func checkOpen(_ call: StaticString) throws(CoroutineError) {
    if isClosed { throw CoroutineError(.closed, call: call, operands: operands) }
  }
}
