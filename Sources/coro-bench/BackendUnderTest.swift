import Coroutines

/// A backend by its name on the command line.
struct BackendUnderTest: Sendable {
  let choice: BackendChoice

  var name: String { choice.name }

  static let all: [BackendUnderTest] = {
    var choices: [BackendChoice] = [.epoll]
    #if IOUring
      choices.append(.ioUring)
    #endif
    return choices.map(BackendUnderTest.init(choice:))
  }()

  static var names: String { all.map(\.name).joined(separator: ", ") }

  /// The backend of this name.
  ///
  /// - Throws: A `BenchError` with the names that there are.
  static func named(_ name: String) throws -> BackendUnderTest {
    if let found = all.first(where: { $0.name == name }) { return found }
    throw BenchError("There is no backend '\(name)'. There are: \(names).")
  }

  /// How a report names it.
  var facts: Report.ContenderFacts {
    Report.ContenderFacts(name: name, version: "this library on \(name)", isOurs: true)
  }

  /// Why this machine denies it, or nil.
  func reasonForDenial() -> String? {
    do throws(CoroutineError) {
      try choice.make().close()
      return nil
    } catch {
      return error.description
    }
  }
}
