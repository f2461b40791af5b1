import CContext
import Glibc

/// What becomes of Swift's exclusivity checks where coroutines switch: `COROUTINE_EXCLUSIVITY`.
enum ExclusivityMode: String, CaseIterable {
  /// Each coroutine has a list of open accesses of its own: overlaps within it trap.
  ///
  /// The default.
  case separate
  /// As `separate`, and modifications that are open while their coroutine waits are reported.
  case report
  /// One list for the thread, as without coroutines: overlaps between coroutines trap too.
  case shared
  /// As `separate`, through the runtime's functions instead of its word: slower, for tests.
  case calls

  /// What the environment asks for; nil: nothing.
  ///
  /// - Throws: `invalidArgument` for an unknown name.
  static func fromEnvironment(for call: StaticString) throws(CoroutineError) -> ExclusivityMode? {
    guard let name = getenv("COROUTINE_EXCLUSIVITY").map({ String(cString: $0) }), !name.isEmpty
    else { return nil }
    guard let mode = ExclusivityMode(rawValue: name) else {
      let known = allCases.map(\.rawValue).joined(separator: ", ")
      throw CoroutineError(
        .invalidArgument, call: call, operands: "(COROUTINE_EXCLUSIVITY=\(name))",
        detail: "no such mode is known; there are: \(known)")
    }
    return mode
  }

  /// That the runtime is not built as these modes need it; said once a process.
  static let saysLayoutIsUnknown: Void = {
    Scheduler.write(
      "COROUTINE_EXCLUSIVITY: the Swift runtime keeps its list of open accesses in no place that "
        + "is known: no open access is reported, and lists are switched through its own functions, "
        + "which is slower.\n", to: STDERR_FILENO)
  }()
}

extension Scheduler {
  /// Says which modifications are open while `record`, which is about to wait, waits: once a place.
  ///
  /// Typical is `socket.receive(into: &connection.buffer)`: whoever touches that buffer meanwhile
  /// sees it half changed, and with a list for each coroutine no check notices.
  @inline(never)
  func reportModifications(of record: CoroutineRecord.Reference) {
    guard core.pointee.reportsModifications, !record.pointee.isEnded else { return }
    while let place = coro_access_next_modification(&core.pointee.dispatcher.words) {
      let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 2048) { text in
        coro_place_describe(place, text.baseAddress, text.count)
        return text.baseAddress.map { String(cString: $0) } ?? ""
      }
      Self.write(
        "\(label(record)) \(wait(of: record)) while a modification is open that began in \(name)\n",
        to: STDERR_FILENO)
    }
  }

  private func wait(of record: CoroutineRecord.Reference) -> String {
    record.wait == .nothing ? "lets other coroutines run" : state(of: record)
  }
}
