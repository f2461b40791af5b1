import CoroutineAPI
import Testing

extension Conformance {
  /// The time for a whole, while every part of it succeeds at once.
  @Suite struct TimeLimits {
    /// Never ends, and never waits.
    private struct Endless: ReadableStream, WritableStream {
      func readSome(
        into buffer: UnsafeMutableRawBufferPointer, timeout: Duration?
      ) throws(CoroutineError) -> Int {
        buffer[0] = UInt8(ascii: "x")
        return 1
      }

      func writeSome(
        _ bytes: UnsafeRawBufferPointer, timeout: Duration?
      ) throws(CoroutineError) -> Int { 1 }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `bytes that keep coming prolong no reading`(on backend: BackendUnderTest) throws {
      try backend.run {
        let limit = Duration.milliseconds(2)
        let calls: [(BufferedReader<Endless>) throws -> Void] = [
          { _ = try $0.readToEnd(timeout: limit) },
          { _ = try $0.readExactly(1 << 40, timeout: limit) },
          { _ = try $0.peek(1 << 40, timeout: limit) },
          { _ = try $0.readLine(lengthMax: 1 << 40, timeout: limit) },
          { _ = try $0.read(until: [0, 1], lengthMax: 1 << 40, timeout: limit) },
        ]
        for call in calls {
          let reader = BufferedReader(Endless())
          #expect(errorCode { try call(reader) } == .timeout)
          // What had come is still there.
          let bytes = try reader.readExactly(1)
          #expect(bytes == Array("x".utf8))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `bytes that keep going prolong no writing`(on backend: BackendUnderTest) throws {
      try backend.run {
        let bytes = [UInt8](repeating: 0, count: 1 << 24)
        let writer = BufferedWriter(Endless())
        let error = try failure { try writer.write(bytes, timeout: .milliseconds(2)) }
        #expect(error.code == .timeout && error.bytesTransferred > 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a time that is too short for anything is enough for what is there`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          for timeout in [Duration.zero, .nanoseconds(1), .seconds(-1)] {
            try client.sendAll("ab", timeout: timeout)
            try server.waitReadable()
            var buffer = [UInt8](repeating: 0, count: 2)
            #expect(try server.receive(into: &buffer, flags: .waitAll, timeout: timeout) == 2)
            #expect(errorCode { _ = try server.receiveText(timeout: timeout) } == .timeout)
            try BufferedWriter(client, capacity: 1).write("cd", timeout: timeout)
            try server.waitReadable()
            let bytes = try BufferedReader(server).readExactly(2, timeout: timeout)
            #expect(bytes == Array("cd".utf8))
          }
        }
      }
    }
  }
}
