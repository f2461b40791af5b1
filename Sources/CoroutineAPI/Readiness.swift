import CLinux
public import SystemPackage

/// What a descriptor is ready for, as poll(2) knows it.
///
/// A hang-up and an error end every wait, whether they were asked for or not.
public struct Readiness: OptionSet, Hashable, Sendable, CustomStringConvertible {
  /// The bits, as poll(2) takes and returns them.
  public let rawValue: Int16

  /// What has these bits.
  public init(rawValue: Int16) {
    self.rawValue = rawValue
  }

  /// A read or an accept would not wait (POLLIN): bytes, the end of the stream, a connection, a
  /// timer that has expired, a process that has ended.
  public static let readable = Readiness(rawValue: Int16(POLLIN))
  /// A write of some bytes would not wait (POLLOUT); a connection is made or was refused.
  public static let writable = Readiness(rawValue: Int16(POLLOUT))
  /// Something exceptional (POLLPRI): urgent data on a TCP socket, for one.
  public static let urgent = Readiness(rawValue: Int16(POLLPRI))
  /// The peer of a stream socket has ended its sending (POLLRDHUP).
  public static let peerClosed = Readiness(rawValue: 0x2000)
  /// The other side is gone (POLLHUP).
  ///
  /// Found without being asked for.
  public static let hungUp = Readiness(rawValue: Int16(POLLHUP))
  /// An error is pending (POLLERR): a pipe has no reader, a connection was refused.
  ///
  /// Found without being asked for.
  public static let failed = Readiness(rawValue: Int16(POLLERR))

  /// The names of what is in it.
  public var description: String {
    let names: [(Readiness, String)] = [
      (.readable, "readable"), (.writable, "writable"), (.urgent, "urgent"),
      (.peerClosed, "peerClosed"), (.hungUp, "hungUp"), (.failed, "failed"),
    ]
    return "[\(names.filter { contains($0.0) }.map(\.1).joined(separator: ", "))]"
  }
}

// MARK: Anybody's descriptor

extension Coroutine {
  /// Suspends until a descriptor that is somebody else's is ready for one of `events`.
  ///
  /// Any descriptor will do that poll(2) takes: sockets, pipes, terminals, eventfds, timerfds,
  /// signalfds, pidfds, inotify and epoll descriptors. A regular file is always readable and
  /// writable. Of several who wait for what looking takes away (`urgent`, of files in /proc)
  /// io_uring tells one. Nothing is read or changed, and nothing of the descriptor is kept. Whoever
  /// closes it sees that nobody waits then: a wait that is under way may not hear of it. The
  /// corresponding C function is `poll`.
  ///
  /// - Parameters:
  ///   - events: What to wait for; empty: a hang-up or an error alone.
  ///   - descriptor: Stays its owner's.
  ///   - timeout: nil: for ever; zero or less: looks once; else at most so long.
  /// - Returns: What of `events` is there, and `hungUp` and `failed` where they apply; never empty.
  /// - Throws: `system` (EBADF; EINVAL for what a file never is), `timeout`, `cancelled`, `misuse`
  ///   where there is no loop, `unavailable`.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public static func wait(
    for events: Readiness, on descriptor: FileDescriptor, timeout: Duration? = nil
  ) throws(CoroutineError) -> Readiness {
    try wait("wait", for: events, on: descriptor, timeout)
  }

  /// Suspends until a descriptor that is somebody else's is readable, has hung up or failed.
  ///
  /// See `wait(for:on:timeout:)`.
  ///
  /// - Returns: `readable`, `hungUp`, `failed`, or several of them.
  /// - Throws: As `wait(for:on:timeout:)` does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public static func waitReadable(
    _ descriptor: FileDescriptor, timeout: Duration? = nil
  ) throws(CoroutineError) -> Readiness {
    try wait("waitReadable", for: .readable, on: descriptor, timeout)
  }

  /// Suspends until a descriptor that is somebody else's is writable, has hung up or failed.
  ///
  /// See `wait(for:on:timeout:)`.
  ///
  /// - Returns: `writable`, `hungUp`, `failed`, or several of them.
  /// - Throws: As `wait(for:on:timeout:)` does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public static func waitWritable(
    _ descriptor: FileDescriptor, timeout: Duration? = nil
  ) throws(CoroutineError) -> Readiness {
    try wait("waitWritable", for: .writable, on: descriptor, timeout)
  }

  private static func wait(
    _ call: StaticString, for events: Readiness, on descriptor: FileDescriptor,
    _ timeout: Duration?
  ) throws(CoroutineError) -> Readiness {
    let scheduler = try Scheduler.forKernelCall(call)
    // Its owner tells nobody what becomes of the number, neither before the wait nor after it.
    scheduler.introduce(descriptor.rawValue)
    let outcome = scheduler.perform(
      .poll(descriptor.rawValue, events: events.rawValue), on: nil, timeout: timeout)
    _ = scheduler.performUncancelled(.forget(descriptor.rawValue))
    return try outcome.readiness(call, "descriptor \(descriptor.rawValue)")
  }
}

// MARK: One's own

extension Socket {
  /// Suspends until the socket is ready for one of `events`.
  ///
  /// Nothing is received or sent; whoever calls next may find that another was faster. Any number
  /// of coroutines may wait for readiness while others receive, send or accept: all are served. The
  /// corresponding C function is `poll`.
  ///
  /// - Parameters:
  ///   - events: What to wait for; empty: a hang-up or an error alone.
  ///   - timeout: nil: for ever; zero or less: looks once; else at most so long.
  /// - Returns: What of `events` is there, and `hungUp` and `failed` where they apply; never empty.
  /// - Throws: `timeout`, `closed`, `cancelled`, `system` (EBADF), `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func wait(
    for events: Readiness, timeout: Duration? = nil
  ) throws(CoroutineError) -> Readiness {
    try handle.wait("wait", for: events, timeout, operands)
  }

  /// Suspends until `receive` or `accept` would not, or the socket has failed.
  ///
  /// See `wait(for:timeout:)`.
  ///
  /// - Returns: `readable`, `hungUp`, `failed`, or several of them.
  /// - Throws: As `wait(for:timeout:)` does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func waitReadable(timeout: Duration? = nil) throws(CoroutineError) -> Readiness {
    try handle.wait("waitReadable", for: .readable, timeout, operands)
  }

  /// Suspends until `send` would take some bytes, or the socket has failed.
  ///
  /// See `wait(for:timeout:)`.
  ///
  /// - Returns: `writable`, `hungUp`, `failed`, or several of them.
  /// - Throws: As `wait(for:timeout:)` does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func waitWritable(timeout: Duration? = nil) throws(CoroutineError) -> Readiness {
    try handle.wait("waitWritable", for: .writable, timeout, operands)
  }
}

extension PipeEnd {
  /// Suspends until the descriptor is ready for one of `events`.
  ///
  /// Nothing is read or written; whoever calls next may find that another was faster. Any number of
  /// coroutines may wait for readiness while others read or write: all are served. The
  /// corresponding C function is `poll`.
  ///
  /// - Parameters:
  ///   - events: What to wait for; empty: a hang-up or an error alone.
  ///   - timeout: nil: for ever; zero or less: looks once; else at most so long.
  /// - Returns: What of `events` is there, and `hungUp` and `failed` where they apply; never empty.
  /// - Throws: `timeout`, `closed`, `cancelled`, `system` (EBADF; EINVAL for what a file never is),
  ///   `misuse` where there is no loop.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func wait(
    for events: Readiness, timeout: Duration? = nil
  ) throws(CoroutineError) -> Readiness {
    try handle.wait("wait", for: events, timeout, "pipe \(handle.descriptor)")
  }

  /// Suspends until `read` would not, or the descriptor has hung up or failed.
  ///
  /// See `wait(for:timeout:)`.
  ///
  /// - Returns: `readable`, `hungUp`, `failed`, or several of them.
  /// - Throws: As `wait(for:timeout:)` does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func waitReadable(timeout: Duration? = nil) throws(CoroutineError) -> Readiness {
    try handle.wait("waitReadable", for: .readable, timeout, "pipe \(handle.descriptor)")
  }

  /// Suspends until `write` would take some bytes, or the descriptor has hung up or failed.
  ///
  /// See `wait(for:timeout:)`.
  ///
  /// - Returns: `writable`, `hungUp`, `failed`, or several of them.
  /// - Throws: As `wait(for:timeout:)` does.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  @discardableResult
  public func waitWritable(timeout: Duration? = nil) throws(CoroutineError) -> Readiness {
    try handle.wait("waitWritable", for: .writable, timeout, "pipe \(handle.descriptor)")
  }
}

extension DescriptorHandle {
  fileprivate func wait(
    _ call: StaticString, for events: Readiness, _ timeout: Duration?,
    _ operands: @autoclosure () -> String
  ) throws(CoroutineError) -> Readiness {
    try perform(call, .poll(descriptor, events: events.rawValue), timeout: timeout)
      .readiness(call, operands())
  }
}

extension Outcome {
  fileprivate func readiness(
    _ call: StaticString, _ operands: @autoclosure () -> String
  ) throws(CoroutineError) -> Readiness {
    Readiness(rawValue: Int16(truncatingIfNeeded: try value(call, operands())))
  }
}
