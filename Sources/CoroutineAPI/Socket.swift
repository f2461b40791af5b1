import CLinux
public import SystemPackage

/// A socket, modelled on Python's `socket.socket`: its calls suspend the coroutine, not the thread.
///
/// It owns its descriptor and closes it at the latest when the last reference goes. One coroutine
/// may receive while another sends, accepts or closes; two that wait for the same are served in
/// order. It belongs to the loop that first waits on it.
///
/// Every call that can suspend takes a `timeout:`: nil waits for ever, zero or less tries once,
/// more waits so long at most, and then throws `CoroutineError` with code `timeout`.
public final class Socket {
  /// An address family.
  public struct Family: Hashable, Sendable {
    /// AF_INET and its like.
    public let rawValue: CInt
    /// The family with this number.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// Unix sockets: paths, abstract names, unnamed pairs.
    public static let unix = Family(rawValue: AF_UNIX)
    /// IPv4.
    public static let inet = Family(rawValue: AF_INET)
    /// IPv6.
    public static let inet6 = Family(rawValue: AF_INET6)
  }

  /// How a socket carries data.
  public struct Kind: Hashable, Sendable {
    /// SOCK_STREAM and its like.
    public let rawValue: CInt
    /// The kind with this number.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// A stream of bytes with a connection.
    public static let stream = Kind(rawValue: CInt(SOCK_STREAM.rawValue))
    /// Packets that go alone.
    public static let datagram = Kind(rawValue: CInt(SOCK_DGRAM.rawValue))
    /// Packets in order, with a connection.
    public static let seqpacket = Kind(rawValue: CInt(SOCK_SEQPACKET.rawValue))
  }

  /// Which direction `shutdown(_:)` ends.
  public enum Direction: Sendable {
    /// The peer sees the end of the stream; receiving goes on.
    case sending
    /// What is there is still received, and then 0, the end.
    ///
    /// What TCP and UDP bring later is delivered all the same; the peer of a Unix socket gets
    /// EPIPE.
    case receiving
    /// Both.
    case both
  }

  let handle: DescriptorHandle
  /// Whom the kernel named as the peer when the connection was accepted.
  let acceptedFrom: Address?

  init(_ descriptor: CInt, traits: KernelOperation.Traits, acceptedFrom: Address? = nil) {
    handle = DescriptorHandle(descriptor, traits: traits)
    self.acceptedFrom = acceptedFrom
  }

  /// Takes over a socket that exists, whatever made it.
  ///
  /// Its mode (O_NONBLOCK) is never changed, because others may share it. In blocking mode
  /// `connect` blocks the thread on epoll, and so does `accept` where another process accepts from
  /// the same listener and is faster; on io_uring they do with a timeout of zero.
  ///
  /// - Throws: `invalidArgument` if it is no socket, `system` (EBADF) if there is none, `misuse`
  ///   where there is no loop, `unavailable`.
  public convenience init(adopting descriptor: FileDescriptor) throws(CoroutineError) {
    let adoption = try Adoption(descriptor.rawValue, call: "adopt")
    guard adoption.isSocket else {
      throw CoroutineError(
        .invalidArgument, call: "adopt", operands: "descriptor \(descriptor.rawValue)",
        detail: "not a socket; PipeEnd(adopting:) takes other descriptors")
    }
    self.init(
      descriptor.rawValue, traits: adoption.traits.union(try Self.traits(of: descriptor.rawValue)))
  }

  private static func traits(
    of descriptor: CInt
  ) throws(CoroutineError) -> KernelOperation.Traits {
    func option(_ name: CInt) throws(CoroutineError) -> CInt {
      try SocketOption<CInt>(level: SOL_SOCKET, name: name).value(of: descriptor)
    }
    let kind = Kind(rawValue: try option(SO_TYPE))
    if kind == .stream, try option(SO_PROTOCOL) != CInt(IPPROTO_TCP) { return [] }
    return traits(.inet, kind)
  }

  deinit {
    handle.release()
  }

  /// The descriptor, still owned by this object.
  public var fileDescriptor: FileDescriptor { FileDescriptor(rawValue: handle.descriptor) }

  /// Whether `close()` or `detach()` was called.
  public var isClosed: Bool { handle.state.pointee.isClosed }

  /// Closes the socket; coroutines that wait on it get an error with code `closed`.
  ///
  /// Suspends only until they have. Closing again does nothing. The corresponding C function is
  /// `close`.
  ///
  /// - Throws: `system`, and the descriptor is closed all the same; `misuse` where there is no
  ///   loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func close() throws(CoroutineError) {
    try handle.close("close", operands)
  }

  /// Gives the descriptor up, open as it is.
  ///
  /// Coroutines that wait on it get an error with code `closed`; suspends only until they have.
  ///
  /// - Returns: The descriptor, which the caller owns now.
  /// - Throws: `closed`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func detach() throws(CoroutineError) -> FileDescriptor {
    try handle.detach("detach", operands)
    return fileDescriptor
  }

  var operands: String { "socket \(handle.descriptor)" }

  /// Makes a system call on the descriptor that never waits.
  func call(
    _ name: StaticString, _ call: SystemCall, _ operands: @autoclosure () -> String
  ) throws(CoroutineError) -> Int {
    if isClosed { throw CoroutineError(.closed, call: name, operands: operands()) }
    return try Scheduler.call(name, call, operands())
  }
}

@available(*, unavailable, message: "a socket belongs to its loop's thread")
extension Socket: Sendable {}

extension Coroutine {
  /// Makes a socket, as Python's `socket.socket(family, type)` does.
  ///
  /// Close-on-exec and in non-blocking mode. Does not suspend. The corresponding C function is
  /// `socket`.
  ///
  /// - Parameters:
  ///   - family: `.unix`, `.inet` or `.inet6`.
  ///   - kind: `.stream`, `.datagram` or `.seqpacket`.
  /// - Throws: `system` (EMFILE, EAFNOSUPPORT), `misuse` where there is no loop, `unavailable`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public static func socket(
    _ family: Socket.Family, _ kind: Socket.Kind
  ) throws(CoroutineError) -> Socket {
    let flags = CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    let descriptor = try Scheduler.call(
      "socket", .socket(domain: family.rawValue, type: kind.rawValue | flags, protocol: 0))
    return Socket(CInt(descriptor), traits: Socket.traits(family, kind))
  }

  /// Makes two Unix sockets that are connected with each other and have no name.
  ///
  /// Close-on-exec and in blocking mode, so that a child that is given one finds it as it expects
  /// it; that makes no difference to calls of this library. The corresponding C function is
  /// `socketpair`.
  ///
  /// - Parameter kind: `.stream`, `.datagram` or `.seqpacket`.
  /// - Throws: As `socket(_:_:)` does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public static func socketPair(
    _ kind: Socket.Kind = .stream
  ) throws(CoroutineError) -> (Socket, Socket) {
    let type = kind.rawValue | CInt(SOCK_CLOEXEC.rawValue)
    let ends = try Scheduler.callForPair("socketPair") {
      .socketPair(domain: AF_UNIX, type: type, protocol: 0, ends: $0)
    }
    let traits = Socket.traits(.unix, kind)
    return (Socket(ends.0, traits: traits), Socket(ends.1, traits: traits))
  }
}

extension Socket {
  fileprivate static func traits(_ family: Family, _ kind: Kind) -> KernelOperation.Traits {
    switch kind {
    case .stream: family == .inet || family == .inet6 ? .tcp : []
    case .datagram: .datagram
    default: []
    }
  }
}
