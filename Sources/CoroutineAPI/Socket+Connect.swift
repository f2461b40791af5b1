import CLinux
import Glibc

/// Names, connections, and their ends.
extension Socket {
  /// Gives the socket a name.
  ///
  /// Does not suspend. The corresponding C function is `bind`.
  ///
  /// - Throws: `system` (EADDRINUSE, EADDRNOTAVAIL, EACCES), `closed`, `misuse` where there is
  ///   no loop.
  public func bind(to address: Address) throws(CoroutineError) {
    _ = try address.withKernelAddress { pointer, length throws(CoroutineError) in
      try call("bind", .bind(handle.descriptor, pointer, length), "to \(address)")
    }
  }

  /// Lets others connect.
  ///
  /// Does not suspend. The corresponding C function is `listen`.
  ///
  /// - Parameter backlog: How many connections may wait to be accepted; the kernel caps it at
  ///   net.core.somaxconn (4096 by default).
  /// - Throws: `system` (EADDRINUSE, EOPNOTSUPP), `closed`, `misuse` where there is no loop.
  public func listen(backlog: Int = 4096) throws(CoroutineError) {
    let backlog = CInt(clamping: backlog)
    _ = try call("listen", .listen(handle.descriptor, backlog: backlog), operands)
  }

  /// Suspends until somebody connects.
  ///
  /// The corresponding C function is `accept4`.
  ///
  /// - Parameter timeout: See `Socket`.
  /// - Returns: The connection: close-on-exec and in blocking mode, so that a child that is given
  ///   it finds it as it expects it; that makes no difference to calls of this library.
  /// - Throws: `system` (EMFILE, EINVAL if it does not listen), `timeout`, `closed`, `cancelled`,
  ///   `misuse` where there is no loop. A connection of which the kernel has nothing but an error
  ///   is skipped; one that was reset before it was accepted is as a rule returned, and says so
  ///   when it is used.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func accept(timeout: Duration? = nil) throws(CoroutineError) -> Socket {
    var limit = TimeLimit(timeout)
    while true {
      let (rest, isOver) = limit.next()
      let (outcome, peer) = isOver ? (.timeout, nil) : try acceptOnce(rest)
      // accept(2): errors that were pending on the new connection are to be treated like EAGAIN.
      if Self.isOfTheConnection(outcome) { continue }
      let descriptor = try outcome.value("accept", "on \(operands)")
      let traits = handle.state.pointee.traits.intersection(.tcp).union(.accepted)
      return Socket(CInt(descriptor), traits: traits, acceptedFrom: peer)
    }
  }

  private func acceptOnce(
    _ timeout: Duration?
  ) throws(CoroutineError) -> (outcome: Outcome, peer: Address?) {
    let (outcome, address) = try Self.receivingAddress { pointer, length throws(CoroutineError) in
      try handle.perform("accept", .accept(handle.descriptor, pointer, length), timeout: timeout)
    }
    return (outcome, outcome.rawValue < 0 ? nil : address)
  }

  /// Whether `accept` failed because of the connection that it took, and not of the listener.
  ///
  /// accept(2) names EOPNOTSUPP too, but that is also what a socket says that cannot listen.
  private static func isOfTheConnection(_ outcome: Outcome) -> Bool {
    switch CInt(truncatingIfNeeded: -outcome.rawValue) {
    case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH:
      true
    default:
      false
    }
  }

  /// Suspends until the connection is made; a datagram socket is given its peer at once, whoever
  /// waits on it.
  ///
  /// A Unix socket whose listener's backlog is full is tried again until there is room. The
  /// corresponding C function is `connect`.
  ///
  /// - Parameters:
  ///   - address: Whom to connect to.
  ///   - timeout: See `Socket`. After a timeout the attempt goes on in the kernel: close the
  ///     socket, or call again, which waits for it, whatever the address.
  /// - Throws: `system` (ECONNREFUSED, ENOENT, ENETUNREACH, ETIMEDOUT), `timeout`, `closed`,
  ///   `cancelled`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func connect(to address: Address, timeout: Duration? = nil) throws(CoroutineError) {
    if handle.state.pointee.traits.contains(.datagram) {
      return try connectNow(to: address, "connect", "to \(address)")
    }
    // An earlier call began it and did not wait for its end.
    var isUnderWay = false
    let outcome = try address.withKernelAddress { pointer, length throws(CoroutineError) in
      try retrying("connect", timeout: timeout) { outcome in
        if outcome == Outcome(-Int(EALREADY)) {
          isUnderWay = true
          return true
        }
        let isFull = outcome == Outcome(-Int(EAGAIN)) || outcome == .timeout
        return isFull && address.family == .unix
      } _: { rest throws(CoroutineError) in
        let outcome = try handle.perform(
          "connect", .connect(handle.descriptor, pointer, length), timeout: rest)
        let isMade = isUnderWay && outcome == Outcome(-Int(EISCONN))
        return isMade ? Outcome(0) : outcome
      }
    }
    _ = try outcome.value("connect", "to \(address)")
  }

  /// Ends a datagram socket's bond with the peer that `connect` gave it: it hears everybody again.
  ///
  /// Its own name stays if it was bound to it; a port that the kernel chose is given up. Does not
  /// suspend. The corresponding C function is `connect` with AF_UNSPEC.
  ///
  /// - Throws: `system`, `closed`, `misuse` where there is no loop.
  public func disconnect() throws(CoroutineError) {
    try connectNow(to: Address(.other(CInt(AF_UNSPEC))), "disconnect", operands)
  }

  private func connectNow(
    to address: Address, _ name: StaticString, _ operands: @autoclosure () -> String
  ) throws(CoroutineError) {
    _ = try address.withKernelAddress { pointer, length throws(CoroutineError) in
      try call(name, .connectNow(handle.descriptor, pointer, length), operands())
    }
  }

  /// Ends one direction of the connection or both.
  ///
  /// Does not suspend. The corresponding C function is `shutdown`.
  ///
  /// - Throws: `system` (ENOTCONN), `closed`, `misuse` where there is no loop.
  public func shutdown(_ direction: Direction) throws(CoroutineError) {
    let how =
      switch direction {
      case .receiving: CInt(SHUT_RD)
      case .sending: CInt(SHUT_WR)
      case .both: CInt(SHUT_RDWR)
      }
    do throws(CoroutineError) {
      _ = try call("shutdown", .shutdown(handle.descriptor, how: how), operands)
    } catch {
      // Of a datagram socket that is not connected Linux says so, and ends it nonetheless.
      if error.errno?.rawValue == ENOTCONN { noteEnd(how) }
      throw error
    }
    noteEnd(how)
  }

  private func noteEnd(_ how: CInt) {
    // A TCP socket may be connected again.
    if how != CInt(SHUT_WR), !handle.state.pointee.traits.contains(.tcp) {
      handle.addTraits(.receivingEnded)
    }
  }

  /// The socket's own name.
  ///
  /// Does not suspend. The corresponding C function is `getsockname`. Throws `closed`, and `misuse`
  /// where there is no loop.
  public var localAddress: Address {
    get throws(CoroutineError) {
      try address("localAddress") { .localAddress(handle.descriptor, $0, $1) }
    }
  }

  /// The name of the peer.
  ///
  /// Of a connection that was accepted, and has been reset since, what `accept` was told. Does not
  /// suspend. The corresponding C function is `getpeername`. Throws `system` (ENOTCONN) where there
  /// is none, `closed`, and `misuse` where there is no loop.
  public var remoteAddress: Address {
    get throws(CoroutineError) {
      do throws(CoroutineError) {
        return try address("remoteAddress") { .remoteAddress(handle.descriptor, $0, $1) }
      } catch {
        if error.errno?.rawValue == ENOTCONN, let acceptedFrom { return acceptedFrom }
        throw error
      }
    }
  }

  private func address(
    _ name: StaticString,
    _ makeCall: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> SystemCall
  ) throws(CoroutineError) -> Address {
    try Self.receivingAddress { pointer, length throws(CoroutineError) in
      try call(name, makeCall(pointer, length), "of \(operands)")
    }.address
  }

  /// Calls `body` with room for an address.
  private static func receivingAddress<Result>(
    _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>)
      throws(CoroutineError) -> Result
  ) throws(CoroutineError) -> (result: Result, address: Address) {
    var buffer = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = try withUnsafeMutablePointer(to: &buffer) { storage throws(CoroutineError) in
      try storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        pointer throws(CoroutineError) in
        try withUnsafeMutablePointer(to: &length) { length throws(CoroutineError) in
          try body(pointer, length)
        }
      }
    }
    return (result, Address(buffer, length: length))
  }
}
