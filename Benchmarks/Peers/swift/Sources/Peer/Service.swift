/// A service that a peer knows.
package struct Service: Sendable {
  /// Binds, calls `Address.announce(port:)`, and serves until the process ends.
  package typealias Serve = @Sendable (Address, _ threads: Int) async throws -> Void

  let name: String
  let isDatagram: Bool
  let serve: Serve

  package init(_ name: String, isDatagram: Bool = false, serve: @escaping Serve) {
    self.name = name
    self.isDatagram = isDatagram
    self.serve = serve
  }
}
