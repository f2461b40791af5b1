import CContext
import Glibc

/// Which backend a loop uses: a name, and a factory, because a backend is made on its thread.
public struct BackendChoice: Sendable, CustomStringConvertible {
  /// For people, and for `COROUTINE_BACKEND`.
  public let name: String
  /// Makes the backend on the calling thread.
  public let make: @Sendable () throws(CoroutineError) -> any Backend

  /// A choice by this name.
  ///
  /// - Parameters:
  ///   - name: For people.
  ///   - make: Makes a backend, on the thread whose loop will use it; throws `unavailable` with the
  ///     reason and the remedy if there can be none.
  public init(_ name: String, make: @escaping @Sendable () throws(CoroutineError) -> any Backend) {
    self.name = name
    self.make = make
  }

  /// The name.
  public var description: String { name }

  /// What `COROUTINE_BACKEND` names, else the first linked backend that this machine permits.
  public static let automatic = BackendChoice("automatic") { () throws(CoroutineError) in
    try LinkedBackends.makeDefault()
  }
}

/// The backends that are linked into the program; the product `Coroutines` supplies the list.
public final class LinkedBackends: Sendable {
  private let automatic: [BackendChoice]
  private let named: [BackendChoice]

  /// A list of backends.
  ///
  /// - Parameters:
  ///   - automatic: To be tried in this order where nothing is said.
  ///   - named: The ones that `COROUTINE_BACKEND` can name.
  public init(automatic: [BackendChoice], named: [BackendChoice]) {
    self.automatic = automatic
    self.named = named
  }

  static func makeDefault() throws(CoroutineError) -> any Backend {
    guard let pointer = coro_linked_backends_if_any() else {
      throw CoroutineError(
        .unavailable, call: "the automatic backend",
        detail: "no backend is linked; depend on the product \"Coroutines\" and import it, or name "
          + "one: Coroutine.run(on: .epoll) with the product \"BackendEpoll\"")
    }
    let linked = Unmanaged<LinkedBackends>.fromOpaque(pointer).takeRetainedValue()
    if let name = getenv("COROUTINE_BACKEND").map({ String(cString: $0) }), !name.isEmpty {
      return try linked.make(named: name)
    }
    return try linked.makeFirst()
  }

  private func make(named name: String) throws(CoroutineError) -> any Backend {
    guard let choice = named.first(where: { $0.name == name }) else {
      let known = named.map(\.name).joined(separator: ", ")
      throw CoroutineError(
        .unavailable, call: "the automatic backend", operands: "(COROUTINE_BACKEND=\(name))",
        detail: "no such backend is linked; there are: \(known)")
    }
    return try choice.make()
  }

  private func makeFirst() throws(CoroutineError) -> any Backend {
    var last = CoroutineError(
      .unavailable, call: "the automatic backend", detail: "the list of backends is empty")
    for choice in automatic {
      do {
        return try choice.make()
      } catch {
        last = error
      }
    }
    throw last
  }
}

extension Coroutine {
  /// Runs `body` as the main coroutine of a new loop on the calling thread, and takes the loop
  /// down.
  ///
  /// Blocks the thread. When `body` returns or throws, coroutines that are not daemons run to their
  /// end; then daemons are cancelled: the wait they are in, and each further one, throws
  /// `cancelled`, and they run to their end too.
  ///
  /// - Parameters:
  ///   - choice: The backend.
  ///   - body: Runs on the thread's own stack.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws; `misuse` on a thread that has a loop; `unavailable` if the
  ///   backend can't be had; `deadlock` if after the body's end the others wait for one another.
  @available(*, noasync, message: "it blocks its thread; use a thread of its own")
  public static func run<Result>(
    on choice: BackendChoice = .automatic, _ body: () throws -> Result
  ) throws -> Result {
    let scheduler = try begin(choice)
    let result: Swift.Result<Result, any Error>
    do {
      result = .success(try body())
    } catch {
      result = .failure(error)
    }
    return try end(scheduler, result).get()
  }

  /// As the other `run(on:_:)`, for a body with typed errors.
  ///
  /// - Parameters:
  ///   - choice: The backend.
  ///   - body: Runs on the thread's own stack.
  /// - Returns: What `body` returns.
  /// - Throws: See the other one.
  @available(*, noasync, message: "it blocks its thread; use a thread of its own")
  public static func run<Result>(
    on choice: BackendChoice = .automatic, _ body: () throws(CoroutineError) -> Result
  ) throws(CoroutineError) -> Result {
    let scheduler = try begin(choice)
    let result: Swift.Result<Result, CoroutineError>
    do throws(CoroutineError) {
      result = .success(try body())
    } catch {
      result = .failure(error)
    }
    switch end(scheduler, result.mapError { $0 as any Error }) {
    case .success(let value): return value
    case .failure(let error as CoroutineError): throw error
    case .failure(let error): fatalError("An error of another type left run(on:): \(error)")
    }
  }

  private static func begin(_ choice: BackendChoice) throws(CoroutineError) -> Scheduler {
    guard Scheduler.current == nil else {
      throw CoroutineError(
        .misuse, call: "Coroutine.run", operands: "on \(choice)",
        detail: "this thread has a loop already; start a coroutine in it instead")
    }
    let exclusivity = try ExclusivityMode.fromEnvironment(for: "Coroutine.run")
    let scheduler = Scheduler.make(choice: choice, exclusivity)
    do throws(CoroutineError) {
      try scheduler.requireBackend()
    } catch {
      scheduler.destroy()
      throw error
    }
    return scheduler
  }

  private static func end<Result>(
    _ scheduler: Scheduler, _ result: Swift.Result<Result, any Error>
  ) -> Swift.Result<Result, any Error> {
    // In a forked child the loop and its coroutines are the parent's, and nothing is to be ended.
    if scheduler.core.pointee.isAbandoned { return result }
    let report = scheduler.endOfRun()
    scheduler.destroy()
    guard let report, case .success = result else { return result }
    return .failure(
      CoroutineError(
        .deadlock, call: "Coroutine.run",
        detail: "after the end of its body these waited for ever:\(report)"))
  }
}
