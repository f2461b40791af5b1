import CoroutineAPI
import Glibc
import Testing

/// A coroutine that makes a racer's call, and then waits twice more: what it was told each time.
final class RaceTarget {
  private final class Answers {
    var outcome: Outcome?
    var after: [CoroutineError.Code?] = []
  }

  enum Outcome: Equatable {
    case success
    case failure(CoroutineError.Code)
  }

  private let answers: Answers
  let coroutine: Coroutine

  var outcome: Outcome? { answers.outcome }
  /// What the waits after the call were told.
  var after: [CoroutineError.Code?] { answers.after }

  init(_ rig: Racer.Rig, timeout: Duration? = nil) {
    let answers = Answers()
    self.answers = answers
    coroutine = Coroutine {
      switch errorCode({ try rig.attempt(timeout) }) {
      case nil: answers.outcome = .success
      case let code?: answers.outcome = .failure(code)
      }
      for _ in 0..<2 {
        answers.after.append(errorCode { try Coroutine.sleep(for: .nanoseconds(1)) })
      }
    }
  }

  /// What must be: one outcome, and one cancellation, in the call or after it.
  func expectOneCancellation(_ name: String, at location: SourceLocation = #_sourceLocation) {
    switch outcome {
    case .success:
      #expect(after == [.cancelled, nil], "\(name)", sourceLocation: location)
    case .failure(.cancelled):
      #expect(after == [nil, nil], "\(name)", sourceLocation: location)
    default:
      Issue.record("\(name): \(String(describing: outcome))", sourceLocation: location)
    }
  }
}

/// Runs `body` in a loop on `backend`, and expects that no descriptor is left open.
///
/// Suites that run beside this one open and close descriptors too, so it has a second and a third
/// chance: what `body` leaves open is left open each time.
func withoutLeak(_ backend: BackendUnderTest, _ body: () throws -> Void) throws {
  var difference = 0
  for _ in 0..<3 {
    let before = openDescriptorCount()
    try backend.run(body)
    difference = openDescriptorCount() - before
    if difference == 0 { return }
  }
  #expect(difference == 0)
}

/// Calls `body` after another coroutine's delivery and before `target`, whose operation the kernel
/// has been let finish by `satisfy`, runs again.
func betweenDeliveryAndResumption(
  _ satisfy: () throws -> Void, _ body: @escaping () -> Void
) throws {
  // All three are found in one turn, since nothing is written through the loop, which might pass it
  // on by itself. The kernel reports them in the order in which they became ready, or, as late as
  // Linux 6.1, in the reverse of it: so one is ready before, and one after.
  var isCalled = false
  let others = try (0..<2).map { _ in
    let (reader, writer) = try Coroutine.pipe()
    let other = spawn {
      _ = try reader.readText()
      if !isCalled { body() }
      isCalled = true
    }
    return (writer, other)
  }
  try settle()
  #expect(write(others[0].0.number, "x", 1) == 1)
  try satisfy()
  #expect(write(others[1].0.number, "x", 1) == 1)
  for (_, other) in others { try other.value() }
}

/// Uses up `duration` without suspending.
func compute(for duration: Duration) {
  let end = Instant.kernelNow + duration
  while Instant.kernelNow < end {}
}
