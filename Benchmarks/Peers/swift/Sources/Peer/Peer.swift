@preconcurrency import Glibc

/// A program that is measured beside the library.
///
/// Its `main` says what it can do, and calls `run()`.
package struct Peer: Sendable {
  /// What people know it by.
  let version: String
  let rounds: [Round]
  let services: [Service]

  package init(version: String, rounds: [Round] = [], services: [Service] = []) {
    self.version = version
    self.rounds = rounds
    self.services = services
  }

  /// Does what the command line asks for, and ends the process.
  package func run() async -> Never {
    do {
      try await run(Request(parsing: CommandLine.arguments.dropFirst()))
      exit(0)
    } catch let refusal as Refusal {
      fail(refusal.reason, status: Refusal.exitStatus)
    } catch {
      fail("\(error)", status: 1)
    }
  }

  private func run(_ request: Request) async throws {
    switch request {
    case .list: list()
    case .round(let workload, let duration, let parameters):
      try await round(workload, duration: duration, parameters: parameters)
    case .serve(let service, let address, let threads):
      try await serve(service, at: address, threads: threads)
    }
  }

  private func list() {
    print("version\t\(version)")
    for round in rounds { print("round\t\(round.workload)") }
    for service in services { print("serve\t\(service.name)") }
  }

  private func round(_ workload: String, duration: Duration, parameters: Parameters) async throws {
    guard let round = rounds.first(where: { $0.workload == workload }) else {
      throw Refusal("There is no workload '\(workload)' here.")
    }
    try parameters.require(round.parameters)
    DescriptorLimit.raise()
    for figure in try await round.measure(parameters, duration) {
      print("\(figure.name)\t\(figure.value)")
    }
  }

  private func serve(_ name: String, at address: Address, threads: Int) async throws {
    guard let service = services.first(where: { $0.name == name }) else {
      throw Refusal("There is no service '\(name)' here.")
    }
    guard address.isDatagram == service.isDatagram else {
      throw Refusal("The service '\(name)' can't be had at such an address.")
    }
    DescriptorLimit.raise()
    Termination.isSuccess()
    try await service.serve(address, threads)
  }

  private func fail(_ reason: String, status: CInt) -> Never {
    fputs(reason + "\n", stderr)
    exit(status)
  }
}
