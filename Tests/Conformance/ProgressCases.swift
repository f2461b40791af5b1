import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// Calls that move all they are given, and fail half way: the error says how far they came.
  @Suite struct Progress {
    /// Sends more than the buffers hold; nobody receives.
    private let bytes =
      Array(Pattern.bytes(at: 0, count: 60_000))
      + [UInt8](
        repeating: 0, count: 20_000_000)

    private func expectProgress(
      _ error: CoroutineError, _ call: String, _ participle: String, of count: Int
    ) {
      #expect(error.call == call)
      #expect(error.bytesTransferred > 0 && error.bytesTransferred < count)
      #expect(error.detail == "\(error.bytesTransferred) of \(count) bytes were \(participle)")
      #expect(error.description.hasSuffix(error.detail))
    }

    /// How many bytes come until the end.
    private func drain(_ socket: Socket) throws -> Int {
      var buffer = [UInt8](repeating: 0, count: 65_536)
      var received = 0
      while case let count = try socket.receive(into: &buffer), count > 0 { received += count }
      return received
    }

    @Test(arguments: BackendUnderTest.selected)
    func `sendAll that times out says how many bytes were sent`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          for timeout in [Duration.milliseconds(2), .zero] {
            let error = try failure { try client.sendAll(bytes, timeout: timeout) }
            #expect(error.code == .timeout, "\(transport)")
            if timeout == .zero { continue }
            expectProgress(error, "sendAll", "sent", of: bytes.count)
            #expect(error.description.contains(": timed out; "))
          }
          try client.shutdown(.sending)
          #expect(try drain(server) > 0)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what an error of sendAll says is what the peer gets`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let error = try failure { try client.sendAll(bytes, timeout: .milliseconds(2)) }
          try client.shutdown(.sending)
          #expect(try drain(server) == error.bytesTransferred, "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `sendAll on a socket that is closed says how many bytes were sent`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let sender = spawn { try left.sendAll(bytes) }
        try settle()
        #expect(!sender.hasEnded)
        try left.close()
        let error = try sender.error()
        #expect(error.code == .closed)
        expectProgress(error, "sendAll", "sent", of: bytes.count)
        #expect(try drain(right) == error.bytesTransferred)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `sendAll to a peer that goes says how many bytes were sent`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for transport in [Transport.inet, .socketPair] {
          let (client, server) = try transport.pair()
          let sender = spawn { try client.sendAll(bytes) }
          #expect(!sender.hasEnded)
          #expect(try server.receiveExactly(1_000).count == 1_000)
          try server.close()
          let error = try sender.error()
          #expect(error.isSystem(EPIPE) || error.isSystem(ECONNRESET), "\(transport)")
          expectProgress(error, "sendAll", "sent", of: bytes.count)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a cancelled sendAll says how many bytes were sent`(on backend: BackendUnderTest) throws {
      var error: CoroutineError?
      let received = try backend.run {
        let (left, right) = try Socket.pair()
        let descriptor = try left.detach()
        error = try onLoopThatEnds(backend, descriptor) { try $0.sendAll(bytes) }
        return try drain(right)
      }
      let failure = try #require(error)
      #expect(failure.code == .cancelled && failure.bytesTransferred == received)
      expectProgress(failure, "sendAll", "sent", of: bytes.count)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a cancelled waitAll says how much is in the buffer`(
      on backend: BackendUnderTest
    ) throws {
      let error = try backend.run {
        let (left, right) = try Socket.pair()
        try left.sendAll("abc")
        defer { withExtendedLifetime(left) {} }
        return try onLoopThatEnds(backend, try right.detach()) { socket in
          var buffer = [UInt8](repeating: 0, count: 6)
          _ = try socket.receive(into: &buffer, flags: .waitAll)
        }
      }
      #expect(error?.code == .cancelled && error?.bytesTransferred == 3)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `writeAll that times out says how many bytes were written`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let error = try failure { try writer.writeAll(bytes, timeout: .milliseconds(2)) }
        #expect(error.code == .timeout)
        expectProgress(error, "writeAll", "written", of: bytes.count)
        try writer.close()
        #expect(try BufferedReader(reader).readToEnd().count == error.bytesTransferred)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `writeAll to a reader that goes says how many bytes were written`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let sender = spawn { try writer.writeAll(bytes) }
        try settle()
        #expect(!sender.hasEnded)
        try reader.close()
        let error = try sender.error()
        #expect(error.isSystem(EPIPE))
        expectProgress(error, "writeAll", "written", of: bytes.count)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error before the first byte says nothing of bytes`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        try right.close()
        let error = try failure { try left.sendAll("x") }
        #expect(error.isSystem(EPIPE) && error.bytesTransferred == 0 && error.detail.isEmpty)
      }
    }
  }
}

/// Runs `body` in a daemon of a loop of its own on another thread, which ends while the daemon
/// waits: its end cancels it.
///
/// - Returns: The error that `body` threw.
private func onLoopThatEnds(
  _ backend: BackendUnderTest, _ descriptor: FileDescriptor,
  _ body: @escaping (Socket) throws -> Void
) throws -> CoroutineError? {
  nonisolated(unsafe) let body = body
  let choice = backend.choice
  return ThreadJob { () -> CoroutineError? in
    var error: CoroutineError?
    try? Coroutine.run(on: choice) {
      let socket = try Socket(adopting: descriptor)
      Coroutine(daemon: true) {
        do { try body(socket) } catch let thrown { error = thrown as? CoroutineError }
      }.start()
    }
    return error
  }.join()
}
