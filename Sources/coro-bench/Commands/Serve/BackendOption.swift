import ArgumentParser
import Coroutines

struct BackendOption: ParsableArguments {
  @Option(name: .customLong("backend"), help: "The backend: \(BackendUnderTest.names).")
  var name: String = BackendUnderTest.all[0].name

  var choice: BackendChoice {
    get throws { try BackendUnderTest.named(name).choice }
  }

  func validate() throws {
    _ = try validated { try BackendUnderTest.named(name) }
  }
}
