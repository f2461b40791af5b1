@testable import CoroutineAPI
import Glibc
import Synchronization
import Testing

/// The smallest backend: a test writes down what the kernel will do, and time is a variable.
///
/// An operation waits in a list until the script finishes it. `wait` plays the script: it jumps to
/// the next event or to the deadline, whichever comes first, so a year's sleep takes no time. Where
/// a real kernel would wait for ever the test fails, and whoever waits is told ECANCELED.
final class ScriptedBackend: Backend {
  let name = "scripted"
  /// Moves by waiting, and when a test says that code took time.
  var now = Instant(nanoseconds: 0)

  /// What `start` does with an operation: its result, or nil if it waits.
  var answer: (KernelOperation.Kind) -> Int? = { kind in
    switch kind {
    case .close, .forget, .introduce, .call: 0
    case .receive, .receiveMessage, .read, .accept, .send, .sendMessage, .write, .connect, .poll:
      nil
    }
  }
  /// How long the kernel takes to report a cancelled operation; nil: until the script does it.
  var cancelDelay: Duration? = .zero
  /// How much later than asked a wait for a deadline returns.
  var lateness = Duration.zero

  // What a test looks at.
  private(set) var waits: [WaitLimit] = []
  private(set) var started: [KernelOperation.Reference] = []
  private(set) var cancelled: [CInt] = []
  private(set) var isClosed = false

  private(set) var inFlight: [KernelOperation.Reference] = []
  private var finished = Completions()
  private var script: [(time: Instant, action: () -> Void)] = []
  private let isWoken = Atomic(false)

  // MARK: The script

  /// Makes a wait return at this time from now, after `action`.
  func after(_ delay: Duration, _ action: @escaping () -> Void) {
    let time = now + delay
    let index = script.firstIndex { time < $0.time } ?? script.endIndex
    script.insert((time, action), at: index)
  }

  /// Finishes the oldest operation in flight on `descriptor`, at this time from now.
  func finish(_ descriptor: CInt, after delay: Duration = .zero, _ result: Int) {
    after(delay) { [unowned self] in report(descriptor, result) }
  }

  private func report(_ descriptor: CInt, _ result: Int) {
    let oldest = inFlight.first { $0.pointer.pointee.kind.descriptor == descriptor }
    if let oldest { report(oldest, result) }
  }

  private func report(_ operation: KernelOperation.Reference, _ result: Int) {
    guard let index = inFlight.firstIndex(of: operation) else { return }
    inFlight.remove(at: index)
    operation.pointer.pointee.result = result
    finished.append(operation)
  }

  // MARK: Backend

  func start(_ operation: KernelOperation.Reference) -> Bool {
    expect(!isClosed && !inFlight.contains(operation), "started after close() or twice")
    // There is no table of numbers to correct, and so nothing for a test to see.
    if case .introduce = operation.pointer.pointee.kind { return true }
    started.append(operation)
    let isOnce = !operation.pointer.pointee.mayWait
    if let result = answer(operation.pointer.pointee.kind) ?? (isOnce ? -Int(EAGAIN) : nil) {
      operation.pointer.pointee.result = result
      return true
    }
    inFlight.append(operation)
    return false
  }

  func cancel(_ operation: KernelOperation.Reference) {
    expect(inFlight.contains(operation), "cancelled what is not in flight")
    expect(operation.pointer.pointee.backendWord == 0, "cancelled twice")
    operation.pointer.pointee.backendWord = 1
    cancelled.append(operation.pointer.pointee.kind.descriptor)
    guard let cancelDelay else { return }
    after(cancelDelay) { [unowned self] in report(operation, -Int(ECANCELED)) }
  }

  func wait(_ limit: WaitLimit, completed: inout Completions) {
    expect(!isClosed && completed.isEmpty, "a wait after close(), or with a used list")
    waits.append(limit)
    if !isWoken.exchange(false, ordering: .relaxed) { passTime(limit) }
    while let event = script.first, event.time <= now { script.removeFirst().action() }
    completed.append(contentsOf: &finished)
  }

  private func passTime(_ limit: WaitLimit) {
    let next = script.first?.time
    switch limit {
    case .poll: break
    case .until(let deadline):
      now = if let next, next < deadline { max(now, next) } else { max(now, deadline + lateness) }
    case .forever:
      if let next { now = max(now, next) } else { failInsteadOfHanging() }
    }
  }

  private func failInsteadOfHanging() {
    Issue.record("The loop waits for ever: \(inFlight.map(\.pointer.pointee.kind))")
    guard !inFlight.isEmpty else { fatalError("The loop waits for ever, for nothing.") }
    for operation in inFlight { report(operation, -Int(ECANCELED)) }
  }

  func wake() { isWoken.store(true, ordering: .relaxed) }

  func close() {
    expect(!isClosed && inFlight.isEmpty, "closed twice, or with operations in flight (I3)")
    isClosed = true
  }

  private func expect(_ condition: Bool, _ message: Comment) {
    if !condition { Issue.record("The scheduler breaks the seam's contract: \(message)") }
  }
}

/// Runs `body` as the main coroutine of a loop on a scripted backend.
func withScript<Result>(_ body: (ScriptedBackend) throws -> Result) throws -> Result {
  // Safe: the factory is called on this thread, by `run`, and nowhere else.
  nonisolated(unsafe) let backend = ScriptedBackend()
  return try Coroutine.run(on: BackendChoice("scripted") { backend }) { try body(backend) }
}
