import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `BufferedWriter`: what is gathered, when it is handed on, and what a failure leaves.
  @Suite struct BufferedWriting {
    /// Counts the writes that reach it.
    private final class Sink: WritableStream {
      var pieces: [String] = []
      /// How many bytes it takes at once.
      var most = Int.max

      @available(*, noasync)
      func writeSome(
        _ bytes: UnsafeRawBufferPointer, timeout: Duration?
      ) throws(CoroutineError) -> Int {
        if most == 0 { throw CoroutineError(.timeout, call: "writeSome") }
        let taken = bytes.prefix(most)
        pieces.append(String(decoding: taken, as: UTF8.self))
        return taken.count
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `small writes are gathered until they are flushed`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair(.seqpacket)
        let writer = BufferedWriter(left)
        try writer.write("one ")
        try writer.write(Array("two ".utf8))
        try writer.write(Array("three ".utf8)[...])
        try writer.write("four".dropFirst(0))
        #expect(writer.bufferedCount == 18)
        #expect(try failure { _ = try right.receiveText(timeout: .zero) }.code == .timeout)
        try writer.flush()
        #expect(writer.bufferedCount == 0)
        // A packet each: it was written with one call.
        #expect(try right.receiveText() == "one two three four")
        try writer.flush()
        #expect(try failure { _ = try right.receiveText(timeout: .zero) }.code == .timeout)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a full buffer is handed on, and what is large goes past it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let sink = Sink()
        let writer = BufferedWriter(sink, capacity: 4)
        try writer.write("abc")
        try writer.write("d")
        #expect(sink.pieces == [] && writer.bufferedCount == 4)
        try writer.write("e")
        #expect(sink.pieces == ["abcd"] && writer.bufferedCount == 1)
        try writer.write("larger than it is")
        #expect(sink.pieces == ["abcd", "e", "larger than it is"] && writer.bufferedCount == 0)
        try writer.write("")
        try writer.flush()
        #expect(sink.pieces.count == 3)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what could not be flushed is flushed later`(on backend: BackendUnderTest) throws {
      try backend.run {
        let sink = Sink()
        let writer = BufferedWriter(sink, capacity: 8)
        sink.most = 0
        try writer.write("abcdef")
        #expect(try failure { try writer.flush() }.code == .timeout)
        // No room, and none to be had: nothing of it is taken.
        let error = try failure { try writer.write("ghi") }
        #expect(error.code == .timeout && error.bytesTransferred == 0)
        #expect(writer.bufferedCount == 6)
        sink.most = 4
        try writer.write("ghi")
        try writer.flush()
        #expect(sink.pieces == ["abcd", "ef", "ghi"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a write that fails half way says how much was taken`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, end) = try Coroutine.pipe()
        let writer = BufferedWriter(end, capacity: 16)
        try writer.write("first ")
        let bytes = Array(Pattern.bytes(at: 0, count: 120_000))
        let error = try failure { try writer.write(bytes, timeout: .zero) }
        #expect(error.code == .timeout && error.call == "write")
        let taken = error.bytesTransferred
        #expect(taken > 0 && taken < bytes.count)
        #expect(error.detail == "\(taken) of \(bytes.count) bytes were written")
        try end.close()
        let received = try BufferedReader(reader).readToEnd()
        #expect(received == Array("first ".utf8) + bytes[..<taken])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `flushing waits for room, times out, and loses nothing`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let filled = try client.fill()
          let writer = BufferedWriter(client)
          try writer.write("the end")
          for timeout in [Duration.zero, .milliseconds(1)] {
            #expect(try failure { try writer.flush(timeout: timeout) }.code == .timeout)
          }
          let flusher = spawn { try writer.flush() }
          #expect(!flusher.hasEnded)
          #expect(try failure { try writer.write("x") }.code == .misuse)
          #expect(try server.receiveExactly(filled).count == filled, "\(transport)")
          try flusher.value()
          #expect(try server.receiveExactly(7) == Array("the end".utf8), "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a writer that goes does not flush`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        try BufferedWriter(left).write("lost")
        try left.sendAll("sent")
        #expect(try right.receiveText() == "sent")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `lines are echoed through a reader and a writer`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let echo = spawn {
            let (reader, writer) = (BufferedReader(server), BufferedWriter(server))
            while let line = try reader.readLine() {
              try writer.write("\(line)\r\n")
              if reader.bufferedCount == 0 { try writer.flush() }
            }
            try server.shutdown(.sending)
          }
          let sender = spawn {
            let writer = BufferedWriter(client, capacity: 100)
            for number in 0..<2_000 { try writer.write("line \(number)\n") }
            try writer.flush()
            try client.shutdown(.sending)
          }
          let reader = BufferedReader(client, capacity: 50)
          var count = 0
          while let line = try reader.readLine() {
            if line == "line \(count)" { count += 1 }
          }
          #expect(count == 2_000, "\(transport)")
          try sender.value()
          try echo.value()
        }
      }
    }
  }
}
