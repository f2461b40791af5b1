public import CoroutineAPI
@preconcurrency import Glibc
import Synchronization
public import Testing

/// Says which backends the suite runs against; `Conformance` is made to conform to it.
public protocol BackendProvider {
  /// The backends, whether this machine permits them or not.
  static var backends: [BackendUnderTest] { get }
}

/// A backend that the suite runs against.
public struct BackendUnderTest: Sendable, CustomTestStringConvertible {
  /// The backend's name.
  public var name: String { choice.name }
  let choice: BackendChoice

  /// The backend that this choice makes.
  public init(_ choice: BackendChoice) {
    self.choice = choice
  }

  /// The name.
  public var testDescription: String { name }

  // MARK: Which of them

  /// What the package provides; nil: it provides none.
  static var provided: [BackendUnderTest]? {
    (Conformance.self as Any.Type as? any BackendProvider.Type)?.backends
  }

  /// The provided backends that are asked for and can be made here.
  static let selected: [BackendUnderTest] = (provided ?? []).filter {
    isAsked($0.name) && $0.reasonForAbsence == nil
  }

  static func isAsked(_ name: String) -> Bool {
    list("COROUTINE_BACKENDS").map { $0.contains(name) } ?? true
  }

  /// The names in an environment variable, or nil if it is not set.
  static func list(_ variable: String) -> [String]? {
    guard let value = getenv(variable).map({ String(cString: $0) }), !value.isEmpty else {
      return nil
    }
    return value.split(separator: ",").map(String.init)
  }

  /// Why this machine doesn't permit the backend; nil if it does.
  var reasonForAbsence: String? {
    do throws(CoroutineError) {
      try choice.make().close()
      return nil
    } catch {
      return error.description
    }
  }

  // MARK: Running a case

  /// Runs `body` as the main coroutine of a loop on this backend, whose contract is checked.
  ///
  /// A case that hangs ends the process with the case's name.
  func run<Result>(_ body: () throws -> Result) throws -> Result {
    let title = "\(Test.current?.name ?? "a case") on \(name)"
    CaseCount.add(backend: name, case: "\(String(describing: Test.current?.id))")
    let watchdog = Watchdog(title)
    defer { watchdog.stop() }
    let choice = choice
    let checked = BackendChoice(name) { () throws(CoroutineError) in
      CheckedBackend(try choice.make())
    }
    return try Coroutine.run(on: checked, body)
  }
}

/// Counts the cases that ran, and prints the numbers when the process ends.
private enum CaseCount {
  private static let cases = Mutex<[String: Set<String>]>([:])
  private static let registration: Void = {
    atexit { CaseCount.print() }
    return ()
  }()

  static func add(backend: String, case name: String) {
    _ = registration
    _ = cases.withLock { $0[backend, default: []].insert(name) }
  }

  private static func print() {
    for (backend, names) in cases.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
      fputs("Conformance: \(names.count) cases ran on \(backend)\n", stderr)
    }
  }
}

/// Ends the process if a case takes too long: a hang is a failure that says its name.
private final class Watchdog: Sendable {
  private static let current = Mutex<(title: String, deadline: Instant)?>(nil)
  /// `COROUTINE_TIME_SCALE` multiplies it, for machines that are slow, as emulated ones are.
  private static let secondsMax =
    60 * (BackendUnderTest.list("COROUTINE_TIME_SCALE").flatMap { Int($0[0]) } ?? 1)
  private static let thread: Void = {
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        while true {
          Glibc.sleep(1)
          if let (title, deadline) = Watchdog.current.withLock({ $0 }), deadline < .kernelNow {
            fputs("Conformance: hangs: \(title)\n", stderr)
            abort()
          }
        }
      }, nil)
    return ()
  }()

  init(_ title: String) {
    _ = Self.thread
    Self.current.withLock { $0 = (title, .kernelNow + .seconds(Self.secondsMax)) }
  }

  func stop() {
    Self.current.withLock { $0 = nil }
  }
}
