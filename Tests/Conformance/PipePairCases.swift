import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Pipes of which the loop has both ends: a backend may pass on by itself what is written, and
  /// has to hear of everybody else all the same.
  @Suite struct PipePairs {
    /// Writes as another process would that has the end too.
    private func writeElsewhere(_ text: String, to end: PipeEnd) {
      let bytes = Array(text.utf8)
      #expect(write(end.number, bytes, bytes.count) == bytes.count)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what others wrote before is read`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        for text in ["one", "two"] {
          writeElsewhere(text, to: writer)
          #expect(try reader.readText() == text)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what others write while somebody waits wakes him`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        for text in ["one", "two"] {
          let reading = spawn { try reader.readText() }
          #expect(!reading.hasEnded)
          writeElsewhere(text, to: writer)
          #expect(try reading.value() == text)
        }
        // And so it is after the loop has waited.
        let reading = spawn { try reader.readText() }
        try settle()
        #expect(!reading.hasEnded)
        writeElsewhere("three", to: writer)
        #expect(try reading.value() == "three")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what others write is read though the loop always has somebody to run`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let reading = spawn { try reader.readText() }
        writeElsewhere("x", to: writer)
        try Fairness.keepBusy(until: { reading.hasEnded }) { try Coroutine.sleep() }
        #expect(reading.hasEnded)
        #expect(try reading.value() == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what others have taken is not waited for in vain, nor missed later`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        for text in ["one", "two"] {
          try writer.writeAll("lost")
          var buffer = [UInt8](repeating: 0, count: 4)
          #expect(read(reader.number, &buffer, 4) == 4)
          let reading = spawn { try reader.readText() }
          #expect(!reading.hasEnded)
          try writer.writeAll(text)
          #expect(try reading.value() == text)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `those who wait are served in order, with what each has room for`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let readers = (0..<4).map { _ in spawn { try reader.readByte() } }
        try writer.writeAll([1, 2])
        #expect(try readers[0].value() == 1)
        #expect(try readers[1].value() == 2)
        try settle()
        #expect(!readers[2].hasEnded && !readers[3].hasEnded)
        try writer.writeAll([3, 4, 5])
        #expect(try readers[2].value() == 3)
        #expect(try readers[3].value() == 4)
        #expect(try reader.readByte() == 5)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who gives up is passed over`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let first = spawn { try reader.readText(timeout: .milliseconds(2)) }
        let second = spawn { try reader.readText() }
        #expect(try first.error().code == .timeout)
        try writer.writeAll("x")
        #expect(try second.value() == "x")

        let third = spawn { try reader.readText() }
        let fourth = spawn { try reader.readText() }
        third.coroutine.cancel()
        #expect(try third.error().code == .cancelled)
        try writer.writeAll("y")
        #expect(try fourth.value() == "y")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who is cancelled or whose end is closed after the writing has lost nothing`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for closes in [false, true] {
          let (reader, writer) = try Coroutine.pipe()
          let reading = spawn { try reader.readText() }
          try writer.writeAll("x")
          if closes { try reader.close() } else { reading.coroutine.cancel() }
          do {
            #expect(try reading.value() == "x")
          } catch let error as CoroutineError {
            #expect(error.code == (closes ? .closed : .cancelled))
            if !closes { #expect(try reader.readText(timeout: .zero) == "x") }
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who waits for readiness sees what a reader takes`(on backend: BackendUnderTest) throws {
      try backend.run {
        for readsFirst in [true, false] {
          let (reader, writer) = try Coroutine.pipe()
          var reading = readsFirst ? spawn { try reader.readText() } : nil
          let waiting = spawn { try reader.waitReadable() }
          if reading == nil { reading = spawn { try reader.readText() } }
          try writer.writeAll("x")
          #expect(try waiting.value() == .readable)
          #expect(try reading?.value() == "x")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `whose number was closed behind him leaves another pipe alone`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (stale, its) = try Coroutine.pipe()
        let ended = spawn { try stale.readText() }
        let number = stale.number
        Glibc.close(number)
        let (reader, writer) = try Coroutine.pipe()
        try #require(reader.number == number)
        let reading = spawn { try reader.readText() }
        try writer.writeAll("x")
        #expect(try reading.value() == "x")
        #expect(try ended.error().isSystem(EBADF))
        _ = try stale.detach()
        try its.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `both ends' ends are told`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let reading = spawn { try reader.readText() }
        try writer.close()
        #expect(try reading.value() == "")

        let (second, other) = try Coroutine.pipe()
        let waiting = spawn { try second.readText() }
        try second.close()
        #expect(try waiting.error().code == .closed)
        #expect(try failure { try other.writeAll("x") }.isSystem(EPIPE))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `two who write to each other for ever do not starve others`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (there, back) = (try Coroutine.pipe(), try Coroutine.pipe())
        let (left, right) = try Coroutine.socketPair()
        let receiving = spawn { try left.receiveText() }
        try settle()
        let sleeping = spawn { try Coroutine.sleep(for: .milliseconds(2)) }
        func isServed() -> Bool { receiving.hasEnded && sleeping.hasEnded }
        let answering = spawn {
          while try there.reader.readText(timeout: .seconds(1)) == "ping" {
            try back.writer.writeAll("pong")
          }
        }
        // Not through the loop, which would note that it is there.
        #expect(write(right.number, "x", 1) == 1)
        try Fairness.keepBusy(until: isServed) {
          try there.writer.writeAll("ping")
          _ = try back.reader.readText()
        }
        #expect(isServed())
        try there.writer.writeAll("end")
        try answering.value()
      }
    }

    /// Two coroutines that write to each other over two pipes, without end: the loop never blocks.
    private func withPingPong(until isOver: @escaping () -> Bool) throws {
      let (there, back) = (try Coroutine.pipe(), try Coroutine.pipe())
      let answering = spawn {
        while try there.reader.readText() == "ping" { try back.writer.writeAll("pong") }
      }
      try Fairness.keepBusy(until: isOver) {
        try there.writer.writeAll("ping")
        _ = try back.reader.readText()
      }
      try there.writer.writeAll("end")
      try answering.value()
    }

    @Test(arguments: BackendUnderTest.selected, [nil, Duration.seconds(1)])
    func `what others write is read while two write to each other for ever`(
      on backend: BackendUnderTest, timeout: Duration?
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let reading = spawn { try reader.readText(timeout: timeout) }
        writeElsewhere("x", to: writer)
        try withPingPong { reading.hasEnded }
        #expect(reading.hasEnded)
        #expect(try reading.value() == "x")

        // And the end, which nobody writes.
        let ended = spawn { try reader.readText(timeout: timeout) }
        Glibc.close(try writer.detach().rawValue)
        try withPingPong { ended.hasEnded }
        #expect(ended.hasEnded)
        #expect(try ended.value() == "")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who reads beside one who waits for the end is served while two write to each other`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let reading = spawn { try reader.readText() }
        let waiting = spawn { try reader.wait(for: []) }
        writeElsewhere("x", to: writer)
        try withPingPong { reading.hasEnded }
        #expect(reading.hasEnded && !waiting.hasEnded)
        #expect(try reading.value() == "x")
        try writer.close()
        #expect(try waiting.value() == .hungUp)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `many who wait for others are served while two write to each other for ever`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let pipes = try (0..<20).map { _ in try Coroutine.pipe() }
        let reading = pipes.map { pipe in spawn { try pipe.reader.readText() } }
        for pipe in pipes { writeElsewhere("x", to: pipe.writer) }
        try withPingPong { reading.allSatisfy(\.hasEnded) }
        for reading in reading {
          #expect(reading.hasEnded)
          #expect(try reading.value() == "x")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `whose number was closed behind him does not get what another pipe's owner writes`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for hasSettled in [false, true] {
          let (stale, its) = try Coroutine.pipe()
          let ended = spawn { try stale.readText() }
          if hasSettled { try settle() }
          let number = stale.number
          Glibc.close(number)
          let (reader, writer) = try Coroutine.pipe()
          try #require(reader.number == number)
          try writer.writeAll("x")
          #expect(try reader.readText() == "x")
          #expect(try ended.error().isSystem(EBADF))
          _ = try stale.detach()
          try its.close()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what is there already is read without suspending`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        var hasRun = false
        let other = spawn {
          try Coroutine.sleep()
          hasRun = true
        }
        // Before the reader was ever used, and after; with a limit of zero, which does not wait.
        try writer.writeAll("one")
        #expect(try reader.readText() == "one")
        try writer.writeAll("two")
        #expect(try reader.readText() == "two")
        #expect(try writer.write("three", timeout: .zero) == 5)
        #expect(try reader.readText(timeout: .zero) == "three")
        #expect(!hasRun)
        try other.value()
        let reading = spawn { try reader.readText() }
        #expect(try writer.write("four", timeout: .zero) == 4)
        #expect(try reading.value() == "four")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a full pipe's writer ends while a descriptor is closed, and its reader waits again`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for _ in 0..<10 {
          let (reader, writer) = try Coroutine.pipe()
          let count = try writer.fill()
          let writing = spawn { try writer.writeAll("more") }
          let (left, right) = try Coroutine.socketPair()
          let receiving = spawn { try left.receiveText() }
          try settle()
          var buffer = [UInt8](repeating: 0, count: count)
          #expect(try reader.read(into: &buffer) == count)
          let reading = spawn { try reader.readText() }
          // On a ring, taking this back takes in what has finished.
          try left.shutdown(.both)
          try left.close()
          _ = try? receiving.value()
          #expect(try reading.value() == "more")
          try writing.value()
          try right.close()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a full pipe is written on when it was read`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let count = 1 << 20
        let writing = spawn { try writer.writeAll([UInt8](repeating: 7, count: count)) }
        var buffer = [UInt8](repeating: 0, count: 100_000)
        var received = 0
        while received < count {
          received += try reader.read(into: &buffer)
          try Coroutine.sleep()
        }
        try writing.value()
        #expect(received == count)
        let reading = spawn { try reader.readText() }
        try writer.writeAll("x")
        #expect(try reading.value() == "x")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who comes by the number of a closed end is left alone`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let number = reader.number
        let reading = spawn { try reader.readText() }
        try reader.close()
        #expect(try reading.error().code == .closed)
        let (other, its) = try Coroutine.pipe()
        try #require(other.number == number)
        let waiting = spawn { try other.readText() }
        // Nobody reads from it, and the number that was its peer's is another pipe's.
        #expect(try failure { try writer.writeAll("x") }.isSystem(EPIPE))
        try settle()
        #expect(!waiting.hasEnded)
        try its.writeAll("y")
        #expect(try waiting.value() == "y")
      }
    }
  }
}
