public import CoroutineAPI
import Testing

/// A decorator that verifies what a backend promises: each operation is started once, reported
/// once, cancelled at most once and only in flight, nothing is left at the end, a poll does not
/// block.
public final class CheckedBackend: Backend {
  private let base: any Backend
  private var inFlight: Set<KernelOperation.Reference> = []
  private var isClosed = false

  /// A backend that does what `base` does.
  public init(_ base: any Backend) {
    self.base = base
  }

  /// The base's name.
  public var name: String { base.name }

  /// The base's time.
  public var now: Instant { base.now }

  /// See `Backend.start(_:)`.
  public func start(_ operation: KernelOperation.Reference) -> Bool {
    check(!isClosed, "an operation was started after close()")
    check(!inFlight.contains(operation), "an operation was started twice")
    // Another operation may start meanwhile only on another stack, so this frame sees it finish.
    if base.start(operation) {
      checkResult(operation.pointer.pointee.result)
      return true
    }
    check(operation.pointer.pointee.mayWait, "an operation waits that may not")
    inFlight.insert(operation)
    return false
  }

  /// As the base.
  public var sendsAtOnce: Bool { base.sendsAtOnce }

  /// See `Backend.cancel(_:)`.
  public func cancel(_ operation: KernelOperation.Reference) {
    check(inFlight.contains(operation), "an operation was cancelled that is not in flight")
    base.cancel(operation)
  }

  /// See `Backend.wait(_:completed:)`.
  public func wait(_ limit: WaitLimit, completed: inout Completions) {
    check(!isClosed, "a wait after close()")
    pass(on: &completed) { base.wait(limit, completed: &$0) }
  }

  /// See `Backend.reportFinished(_:)`.
  public func reportFinished(_ completed: inout Completions) {
    check(!isClosed, "a report after close()")
    pass(on: &completed) { base.reportFinished(&$0) }
  }

  private func pass(on completed: inout Completions, _ report: (inout Completions) -> Void) {
    check(completed.isEmpty, "the list of completions was not empty")
    var finished = Completions()
    report(&finished)
    while let operation = finished.popFirst() {
      check(
        inFlight.remove(operation) != nil, "an operation was reported that is not in flight (I1)")
      checkResult(operation.pointer.pointee.result)
      completed.append(operation)
    }
  }

  /// See `Backend.wake()`.
  public func wake() {
    base.wake()
  }

  /// See `Backend.close()`.
  public func close() {
    check(!isClosed, "a second close()")
    check(inFlight.isEmpty, "\(inFlight.count) operations are in flight at close() (I3)")
    isClosed = true
    base.close()
  }

  /// See `Backend.abandon()`.
  public func abandon() {
    base.abandon()
  }

  private func checkResult(_ result: Int) {
    check(result > -4096, "the result \(result) is neither a count nor an errno value")
    check(result != -4, "EINTR was reported")
  }

  private func check(_ condition: Bool, _ message: String) {
    if !condition { Issue.record("\(base.name) breaks its contract: \(message)") }
  }
}
