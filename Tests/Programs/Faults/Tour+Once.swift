import CTestSupport
import Coroutines
@preconcurrency import Glibc

extension Tour {
  /// With a timeout of zero every backend makes the calls itself.
  func once() {
    step("stream") {
      let (left, right) = try Coroutine.socketPair()
      defer {
        note { try left.close() }
        note { try right.close() }
      }
      var buffer = [UInt8](repeating: 0, count: 20)
      let early = try expecting(.timeout) { _ = try left.receive(into: &buffer, timeout: .zero) }
      let sent = try right.send(pattern(9), timeout: .zero)
      return "\(early) \(sent) \(try left.receive(into: &buffer, timeout: .zero))"
    }
    step("pipe") { try pipeOnce(try Coroutine.pipe()) }
    step("non-blocking-pipe") { try pipeOnce(try Coroutine.pipe(.nonBlocking)) }
    step("event") {
      let end = try adopt(test_event_descriptor(), PipeEnd.init(adopting:))
      defer { note { try end.close() } }
      var value: UInt64 = 5
      try withUnsafeBytes(of: &value) { _ = try end.write($0, timeout: .zero) }
      value = 0
      try withUnsafeMutableBytes(of: &value) { _ = try end.read(into: $0, timeout: .zero) }
      return "\(value)"
    }
    step("datagram") {
      let server = try Coroutine.socket(.inet, .datagram)
      defer { note { try server.close() } }
      try server.bind(to: .inet("127.0.0.1", port: 0))
      let client = try Coroutine.socket(.inet, .datagram)
      defer { note { try client.close() } }
      try client.send(pattern(7), to: try server.localAddress, timeout: .zero)
      var buffer = [UInt8](repeating: 0, count: 20)
      return "\(try server.receiveFrom(into: &buffer, timeout: .zero).count)"
    }
    step("connection") { try connectOnce() }
  }

  private func pipeOnce(_ pipe: (reader: PipeEnd, writer: PipeEnd)) throws -> String {
    defer {
      note { try pipe.reader.close() }
      note { try pipe.writer.close() }
    }
    var buffer = [UInt8](repeating: 0, count: 20)
    let early = try expecting(.timeout) {
      _ = try pipe.reader.read(into: &buffer, timeout: .zero)
    }
    let written = try pipe.writer.write(pattern(9), timeout: .zero)
    return "\(early) \(written) \(try pipe.reader.read(into: &buffer, timeout: .zero))"
  }

  private func connectOnce() throws -> String {
    let listener = try Coroutine.socket(.unix, .stream)
    defer { note { try listener.close() } }
    try listener.bind(to: .unix(abstract: "coroutines-tour-once-\(getpid())"))
    try listener.listen(backlog: 2)
    let early = try expecting(.timeout) { _ = try listener.accept(timeout: .zero) }
    let client = try Coroutine.socket(.unix, .stream)
    defer { note { try client.close() } }
    try client.connect(to: try listener.localAddress, timeout: .zero)
    let peer = try listener.accept(timeout: .zero)
    note { try peer.close() }
    return "\(early) accepted"
  }
}
