import CContext
import CLinux
import Glibc
public import SystemPackage

/// How a pipe is made.
public struct PipeFlags: OptionSet, Sendable {
  /// The bits, as pipe2(2) takes them.
  public let rawValue: CInt

  /// The flags with these bits.
  public init(rawValue: CInt) {
    self.rawValue = rawValue
  }

  /// A program that this process starts does not inherit the ends (O_CLOEXEC).
  public static let closeOnExec = PipeFlags(rawValue: O_CLOEXEC)
  /// The ends themselves are in non-blocking mode (O_NONBLOCK).
  ///
  /// This library needs it not: without it, a child that inherits an end finds it as it expects it.
  public static let nonBlocking = PipeFlags(rawValue: O_NONBLOCK)
  /// Each write is a packet of its own (O_DIRECT, "packet mode").
  public static let packets = PipeFlags(rawValue: coro_o_direct)
}

extension Coroutine {
  /// Makes a pipe, as `os.pipe2(flags)` does.
  ///
  /// Does not suspend. The corresponding C function is `pipe2`.
  ///
  /// - Parameter flags: By default the ends are closed when another program is executed.
  /// - Returns: The end to read from and the end to write to.
  /// - Throws: `system` (EMFILE, ENFILE), `misuse` where there is no loop, `unavailable`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public static func pipe(
    _ flags: PipeFlags = .closeOnExec
  ) throws(CoroutineError) -> (reader: PipeEnd, writer: PipeEnd) {
    // What is left of a packet that is read in part is gone, and so is what was counted.
    let isCountable = flags.subtracting(.nonBlocking) == .closeOnExec
    let pipe = isCountable ? coro_pipe_create() : nil
    let ends: (CInt, CInt)
    do throws(CoroutineError) {
      ends = try Scheduler.callForPair("pipe") { .pipe(flags: flags.rawValue, ends: $0) }
    } catch {
      for _ in 0..<2 { coro_pipe_release(pipe) }
      throw error
    }
    return (
      PipeEnd(ends.0, of: pipe, peer: ends.1, traits: []),
      PipeEnd(ends.1, of: pipe, peer: ends.0, traits: [])
    )
  }
}

/// One end of a pipe, or any other descriptor that is read or written in order.
///
/// It owns its descriptor and closes it at the latest when the last reference goes. One coroutine
/// may read while another writes or closes. Belongs to the loop that first waits on it.
public final class PipeEnd {
  let handle: DescriptorHandle
  /// See `KernelOperation.peer`.
  private let peer: CInt

  init(
    _ descriptor: CInt, of pipe: UnsafeMutablePointer<coro_pipe>? = nil, peer: CInt = -1,
    traits: KernelOperation.Traits
  ) {
    self.peer = peer
    handle = DescriptorHandle(descriptor, traits: traits, pipe: pipe)
  }

  /// Takes over a descriptor that exists: a pipe, a terminal, an eventfd, a file.
  ///
  /// Its mode is never changed, because others may share it. On a regular file, calls block the
  /// thread for as long as the file system does. `init(borrowing:)` leaves the descriptor its
  /// owner's.
  ///
  /// - Throws: `system` (EBADF) if there is no such descriptor, `misuse` where there is no loop,
  ///   `unavailable`.
  public convenience init(adopting descriptor: FileDescriptor) throws(CoroutineError) {
    let adoption = try Adoption(descriptor.rawValue, call: "adopt")
    self.init(descriptor.rawValue, traits: adoption.traits)
  }

  deinit {
    handle.release()
  }

  /// The descriptor, still owned by this object.
  public var fileDescriptor: FileDescriptor {
    letOthersIn()
    return FileDescriptor(rawValue: handle.descriptor)
  }

  /// To be called before anything is done to the pipe but by `read` and `write`.
  func letOthersIn() {
    coro_pipe_share(handle.state.pointee.pipe)
  }

  /// Whether `close()` or `detach()` was called.
  public var isClosed: Bool { handle.state.pointee.isClosed }

  /// Closes the descriptor; coroutines that wait on it get an error with code `closed`.
  ///
  /// Suspends only until they have. Closing again does nothing.
  ///
  /// - Throws: `system` (EIO, EDQUOT), and the descriptor is closed all the same; `misuse` where
  ///   there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func close() throws(CoroutineError) {
    try handle.close("close", "pipe \(handle.descriptor)")
  }

  /// Gives the descriptor up, open as it is.
  ///
  /// Coroutines that wait on it get an error with code `closed`; suspends only until they have.
  ///
  /// - Returns: The descriptor, which the caller owns now.
  /// - Throws: `closed`, `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func detach() throws(CoroutineError) -> FileDescriptor {
    try handle.detach("detach", "pipe \(handle.descriptor)")
    return fileDescriptor
  }

  // MARK: One call each, which the overloads for kinds of buffers share

  func read(_ buffer: UnsafeMutableRawBufferPointer, _ timeout: Duration?)
    throws(CoroutineError) -> Outcome
  {
    try handle.perform(
      "read", .read(handle.descriptor, buffer), timeout: timeout, likelyToWait: true, peer: peer,
      hints: hints)
  }

  func write(_ bytes: UnsafeRawBufferPointer, _ timeout: Duration?)
    throws(CoroutineError) -> Outcome
  {
    try handle.perform(
      "write", .write(handle.descriptor, bytes), timeout: timeout, peer: peer, hints: hints)
  }

  private var hints: KernelOperation.Hints {
    @inline(__always) get { coro_pipe_is_private(handle.state.pointee.pipe) ? .privatePipe : [] }
  }

  var readOperands: String { "from pipe \(handle.descriptor)" }
  var writeOperands: String { "to pipe \(handle.descriptor)" }
}

@available(*, unavailable, message: "a pipe belongs to its loop's thread")
extension PipeEnd: Sendable {}

/// What is found out of a descriptor that somebody else made.
struct Adoption {
  var traits: KernelOperation.Traits = []
  let isSocket: Bool

  init(_ descriptor: CInt, call: StaticString) throws(CoroutineError) {
    let operands = "descriptor \(descriptor)"
    var status = stat()
    _ = try withUnsafeMutablePointer(to: &status) { pointer throws(CoroutineError) in
      try Scheduler.call(call, .status(descriptor, pointer), operands)
    }
    let kind = status.st_mode & Glibc.S_IFMT
    isSocket = kind == Glibc.S_IFSOCK
    // Only pipes and sockets are sure to know RWF_NOWAIT; files answer it with EAGAIN at will.
    if isSocket {
      traits.insert(.socket)
    } else if kind != Glibc.S_IFIFO {
      traits.insert(.pollFirst)
    }
    if kind == Glibc.S_IFCHR {
      traits.insert(.device)
      if try Scheduler.call(call, .ask(descriptor, .isTerminal), operands) == 1 {
        traits.insert(.terminal)
      }
    }
  }
}
