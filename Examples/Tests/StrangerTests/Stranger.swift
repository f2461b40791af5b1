import BackendEpoll
import CoroutineAPI
import CoroutineConformance

// The whole of what a package with a backend of its own writes to have it tested.

final class StrangersBackend: Backend {
  private let base: EpollBackend
  init() throws(CoroutineError) { base = try EpollBackend() }
  var name: String { "stranger" }
  var now: Instant { base.now }
  func start(_ operation: KernelOperation.Reference) -> Bool { base.start(operation) }
  func cancel(_ operation: KernelOperation.Reference) { base.cancel(operation) }
  func wait(_ limit: WaitLimit, completed: inout Completions) {
    base.wait(limit, completed: &completed)
  }
  func wake() { base.wake() }
  func close() { base.close() }
}

extension Conformance: @retroactive BackendProvider {
  /// The one backend that this package has.
  public static var backends: [BackendUnderTest] {
    [
      BackendUnderTest(
        BackendChoice("stranger") { () throws(CoroutineError) in try StrangersBackend() })
    ]
  }
}
