/// The kernel side of a scheduler: starts operations and reports each exactly once.
///
/// A backend belongs to the thread that made it, and every member except `wake()` is called on that
/// thread alone. It never calls the scheduler: what has finished it appends to the `Completions`
/// that `wait` or `reportFinished` is given.
///
/// What a backend promises (the numbers are those of ARCHITECTURE.md):
/// - I1: each operation that was started is reported exactly once, by `start` returning true or by
///   a later `wait` or `reportFinished`; not before its memory (record, buffer, address) is the
///   caller's again.
/// - I8: `wait` blocks no longer than its limit allows, and returns early when something finished
///   or `wake()` was called. It may also return early for no reason.
/// - EINTR is never a result.
public protocol Backend: AnyObject {
  /// A short name for people: "epoll", "io_uring".
  var name: String { get }

  /// The time now. A backend that simulates may keep a clock of its own.
  var now: Instant { get }

  /// About the time now, cheaply, for reports: some milliseconds late, perhaps. `now` by default.
  var roughNow: Instant { get }

  /// Starts `operation`, which stays at its address until it is reported.
  ///
  /// - Returns: True if it finished already; its result is set and it is not reported again.
  func start(_ operation: KernelOperation.Reference) -> Bool

  /// Whether `start` would begin a send(2), on a socket on which nobody waits to send, with the
  /// very call: then the scheduler makes it itself, and starts an operation only if there was no
  /// room (`KernelOperation.Hints.wasTried`).
  ///
  /// By default it is not so. Asked once.
  var sendsAtOnce: Bool { get }

  /// Asks the kernel to finish an operation in flight early.
  ///
  /// It is still reported, by a later `wait` or `reportFinished`: with -ECANCELED if cancelling
  /// won, else with what it achieved. Called at most once an operation.
  func cancel(_ operation: KernelOperation.Reference)

  /// Appends what has finished already, without a system call; see `wait`.
  ///
  /// Called where nobody can run: what one coroutine did may have finished what another one waits
  /// for, and then there is no need to ask the kernel. By default it does nothing, and `wait` says
  /// it.
  func reportFinished(_ completed: inout Completions)

  /// Submits what is queued, waits as long as `limit` allows, appends what finished.
  func wait(_ limit: WaitLimit, completed: inout Completions)

  /// Ends a `wait`, the one that is under way or else the next one.
  ///
  /// The only member that other threads may call.
  func wake()

  /// Releases the kernel's objects. Nothing is in flight when the scheduler calls it.
  func close()

  /// Closes this process's copies of the kernel's objects, in a child made by fork(2).
  ///
  /// The objects are the parent's, which goes on using them: only close(2) and munmap(2) may be
  /// called, nothing that the parent would feel, such as `epoll_ctl` or `io_uring_enter`.
  /// Operations may be in flight; they are the parent's too. It is called on the child's only
  /// thread, whichever made the backend, and takes no lock and allocates nothing, since the
  /// parent's other threads are gone with what they held. No other member is called after it. By
  /// default it does nothing, and the descriptors stay open until the child ends or executes
  /// another program.
  func abandon()
}

extension Backend {
  /// False.
  public var sendsAtOnce: Bool { false }

  /// Does nothing.
  public func reportFinished(_ completed: inout Completions) {}

  /// Does nothing.
  public func abandon() {}
}

extension Backend {
  /// The time now.
  public var roughNow: Instant { now }
}

/// How long `Backend.wait` may block.
public enum WaitLimit: Equatable, Sendable {
  /// Not at all.
  case poll
  /// Until this instant at the latest.
  case until(Instant)
  /// Until something happens.
  case forever
}
