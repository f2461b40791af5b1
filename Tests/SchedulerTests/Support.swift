@testable import CoroutineAPI
import Testing

/// A descriptor that only a script knows: no process has so many, so nothing real is ever closed.
func scripted(_ number: CInt = 1) -> PipeEnd {
  PipeEnd(1_000_000_000 + number, traits: [])
}

extension PipeEnd {
  var number: CInt { handle.descriptor }

  /// Reads into a buffer that nobody looks at.
  @discardableResult
  func readSome(timeout: Duration? = nil) throws(CoroutineError) -> Int {
    var buffer = [UInt8](repeating: 0, count: 16)
    return try read(into: &buffer, timeout: timeout)
  }
}

/// The code of the error that `body` throws; nil if it throws none.
func code(_ body: () throws -> Void) -> CoroutineError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? CoroutineError)?.code ?? .invalidArgument
  }
}

/// Expects that `body` throws an error with this code.
func expectError(
  _ expected: CoroutineError.Code, at location: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  let actual = code(body)
  #expect(actual == expected, sourceLocation: location)
}

extension ScriptedBackend {
  /// The time since the script's start.
  var elapsed: Duration { now - Instant(nanoseconds: 0) }

  /// Says that code took so long.
  func pass(_ duration: Duration) {
    now = now + duration
  }
}

extension Duration {
  static let year = Duration.seconds(365 * 24 * 60 * 60)
}

/// The calling thread's loop, whose inside some tests look at.
var loop: SchedulerCore { core.pointee }

/// What its budget is at now.
var budget: Int { core.budget }

var core: UnsafeMutablePointer<SchedulerCore> {
  guard let scheduler = Scheduler.current else { fatalError("This thread has no loop.") }
  return scheduler.core
}
