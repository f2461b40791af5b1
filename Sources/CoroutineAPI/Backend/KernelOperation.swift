import CLinux

/// One thing that is asked of the kernel: a kind with its operands, and its result.
///
/// An operation is a local variable of the frame that waits for it. Its address is handed to
/// `Backend.start`, and the frame stays until the operation is reported, so neither the record nor
/// the buffer that it points at needs an owner.
public struct KernelOperation {
  /// What is asked, with its operands.
  ///
  /// Pointers stay valid until the operation is reported.
  public enum Kind {
    /// recv(2). Stands until bytes, the end of the stream or an error is there.
    case receive(CInt, UnsafeMutableRawBufferPointer, flags: CInt)
    /// send(2). Stands until at least one byte was taken.
    case send(CInt, UnsafeRawBufferPointer, flags: CInt)
    /// recvmsg(2).
    case receiveMessage(CInt, UnsafeMutablePointer<msghdr>, flags: CInt)
    /// sendmsg(2).
    case sendMessage(CInt, UnsafePointer<msghdr>, flags: CInt)
    /// read(2) at the descriptor's own position.
    case read(CInt, UnsafeMutableRawBufferPointer)
    /// write(2) at the descriptor's own position.
    case write(CInt, UnsafeRawBufferPointer)
    /// accept4(2) with SOCK_CLOEXEC; the result is the new descriptor.
    case accept(CInt, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?)
    /// connect(2). Stands until the connection is made or refused.
    case connect(CInt, UnsafePointer<sockaddr>, socklen_t)
    /// poll(2) on one descriptor. Stands until one of the events, a hang-up or an error is there,
    /// and takes nothing away; the result is what is there, as poll's `revents`.
    case poll(CInt, events: Int16)
    /// close(2). The backend forgets what it knew of the descriptor. Whoever asked has nothing in
    /// flight on it; operations that others have are reported with -EBADF.
    case close(CInt)
    /// Forgets what was known of a descriptor that goes on living elsewhere, unless somebody waits
    /// on it. Never waits.
    case forget(CInt)
    /// Somebody begins to use a descriptor that others may have used before, and nothing was said
    /// of its end. If its number means another open file by now, what was known of it is forgotten,
    /// and operations in flight on it are reported with -EBADF. Never waits.
    case introduce(CInt)
    /// A system call that never waits.
    case call(SystemCall)
  }

  /// What is known of a descriptor, so that neither a call is made that must fail nor the
  /// descriptor's mode has to be changed.
  public struct Traits: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// The traits with these bits.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A datagram socket: `connect` only notes a name.
    @inlinable public static var datagram: Traits { Traits(rawValue: 1) }
    /// A TCP socket: a short read has emptied it.
    @inlinable public static var tcp: Traits { Traits(rawValue: 2) }
    /// RWF_NOWAIT may not be understood (by a terminal, for one), or be answered with EAGAIN at
    /// will (of a file): ask poll(2) before each call.
    @inlinable public static var pollFirst: Traits { Traits(rawValue: 4) }
    /// A terminal: see `KernelOperation.Reference.piece(of:)`.
    @inlinable public static var terminal: Traits { Traits(rawValue: 8) }
    /// Receiving was ended by shutdown(2): what finds nothing has found the end.
    ///
    /// Of a datagram socket, or of a Unix socket that listens, the kernel says so only to calls
    /// that may block.
    @inlinable public static var receivingEnded: Traits { Traits(rawValue: 16) }
    /// A socket that somebody else made, and that may be read and written as if it were a pipe.
    @inlinable public static var socket: Traits { Traits(rawValue: 32) }
    /// Made by accept(2): when it is first received from, hardly anything has come.
    @inlinable public static var accepted: Traits { Traits(rawValue: 64) }
    /// A character device: in blocking mode a call may wait, whichever it is.
    @inlinable public static var device: Traits { Traits(rawValue: 128) }
  }

  /// What the caller of an operation knows, and need not be asked of the kernel.
  public struct Hints: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// The hints with these bits.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The call was made just now and found the descriptor not ready: see `Backend.sendsAtOnce`.
    ///
    /// To make it again would be a waste. It may wait.
    @inlinable public static var wasTried: Hints { Hints(rawValue: 1) }
    /// Of an operation with a `peer`: no other loop or process has or had an end of the pipe, or
    /// knows its number.
    ///
    /// So what its operations have moved says how many bytes are in it, and where some are, or
    /// where there is room, a plain call does not wait.
    @inlinable public static var privatePipe: Hints { Hints(rawValue: 2) }
  }

  /// Which way bytes flow.
  ///
  /// Those who wait for the same direction of one descriptor are served in order.
  public enum Direction: UInt8, Sendable {
    /// It can be read from, or somebody connects.
    case reading
    /// It has room, or is connected.
    case writing
  }

  // In this order without gaps, so that what is constant where an operation is made is written
  // with few stores.

  /// What is asked.
  public let kind: Kind
  /// What is known of the descriptor.
  public internal(set) var traits: Traits
  /// `kind.direction`, so that nobody has to take the kind apart for it.
  public let direction: Direction?
  /// False: attempt it once, and report EAGAIN instead of waiting.
  ///
  /// `start` then returns true.
  public let mayWait: Bool
  /// What its caller knows.
  public let hints: Hints
  /// Set by whoever calls `Backend.cancel`.
  public var isCancelled = false
  /// `kind.descriptor`, likewise.
  public let descriptor: CInt
  /// The other end of a pipe that was made by this loop's program, or -1.
  ///
  /// A hint, so that the loop need not be told by the kernel what one coroutine writes and another
  /// reads: either end may be open elsewhere too, or closed, and its number another's.
  public let peer: CInt

  /// A count or a descriptor, or a negated errno value.
  ///
  /// Valid once the operation is reported.
  public var result: Int = 0
  /// A word for the backend while the operation is in flight.
  public var backendWord: UInt64 = 0
  /// Links for lists of the backend while the operation is in flight.
  public var next: Reference?
  /// See `next`.
  public var previous: Reference?

  /// The context of the coroutine that waits.
  ///
  /// The backend leaves it alone.
  @usableFromInline var waiter: UnsafeMutableRawPointer?
  /// Links for the descriptor's list of operations in flight.
  var nextOnDescriptor: Reference?
  var previousOnDescriptor: Reference?

  /// An operation that nobody started yet.
  @inline(__always)
  public init(
    _ kind: Kind, traits: Traits = [], mayWait: Bool = true, peer: CInt = -1,
    hints: Hints = []
  ) {
    // Inlined, because what the kind says is known where it is made.
    self.kind = kind
    descriptor = kind.descriptor
    direction = kind.direction
    self.traits = traits
    self.mayWait = mayWait
    self.peer = peer
    self.hints = hints
  }

  /// The address of an operation.
  ///
  /// One word; it owns nothing.
  public struct Reference: Hashable {
    /// The operation itself.
    public let pointer: UnsafeMutablePointer<KernelOperation>

    /// The reference to the operation at this address.
    public init(_ pointer: UnsafeMutablePointer<KernelOperation>) {
      self.pointer = pointer
    }
  }
}

extension KernelOperation.Kind {
  /// The descriptor that it waits on, or -1.
  @inline(__always)
  public var descriptor: CInt {
    switch self {
    case .receive(let descriptor, _, flags: _), .send(let descriptor, _, flags: _),
      .receiveMessage(let descriptor, _, flags: _), .sendMessage(let descriptor, _, flags: _),
      .read(let descriptor, _), .write(let descriptor, _), .accept(let descriptor, _, _),
      .connect(let descriptor, _, _), .poll(let descriptor, events: _), .close(let descriptor),
      .forget(let descriptor), .introduce(let descriptor):
      descriptor
    case .call: -1
    }
  }

  /// Which of the descriptor's directions it waits for, in line with others; nil: it never waits,
  /// or has no place in a line (`poll`).
  @inline(__always)
  public var direction: KernelOperation.Direction? {
    switch self {
    case .receive, .receiveMessage, .read, .accept: .reading
    case .send, .sendMessage, .write, .connect: .writing
    case .poll, .close, .forget, .introduce, .call: nil
    }
  }
}
