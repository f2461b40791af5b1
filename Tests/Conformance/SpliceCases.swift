import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// `PipeEnd.splice`, after Python's `os.splice` and splice(2).
  @Suite struct Splices {
    private static let modes: [PipeFlags] = [[], .nonBlocking]

    // MARK: What is moved

    @Test(arguments: BackendUnderTest.selected, modes)
    func `bytes are moved in order, no more than asked for`(
      on backend: BackendUnderTest, mode: PipeFlags
    ) throws {
      try backend.run {
        let chain = try Chain(mode)
        try chain.input.writer.writeAll("one two three")
        #expect(try chain.splice(4) == 4)
        #expect(try chain.output.reader.readText() == "one ")
        #expect(try chain.splice() == 9)
        #expect(try chain.output.reader.readText() == "two three")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `megabytes come through whole, up to the end`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        let all = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &>> 3) }
        let writing = spawn {
          try chain.input.writer.writeAll(all)
          try chain.input.writer.close()
        }
        let copying = spawn {
          var moved = 0
          while case let n = try chain.splice(100_000), n > 0 { moved += n }
          try chain.output.writer.close()
          return moved
        }
        let bytes = try readToEnd(chain.output.reader)
        try writing.value()
        #expect(try copying.value() == all.count)
        #expect(bytes == all)
      }
    }

    // MARK: Waiting

    @Test(arguments: BackendUnderTest.selected, modes)
    func `the source is waited for`(on backend: BackendUnderTest, mode: PipeFlags) throws {
      try backend.run {
        let chain = try Chain(mode)
        let splicing = spawn { try chain.splice() }
        try settle()
        #expect(!splicing.hasEnded)
        try chain.input.writer.writeAll("now")
        #expect(try splicing.value() == 3)
        #expect(try chain.output.reader.readText() == "now")
      }
    }

    @Test(arguments: BackendUnderTest.selected, modes)
    func `the target's room is waited for`(on backend: BackendUnderTest, mode: PipeFlags) throws {
      try backend.run {
        let chain = try Chain(mode)
        let filled = try chain.output.writer.fill()
        try chain.input.writer.writeAll("more")
        let splicing = spawn { try chain.splice() }
        try settle()
        #expect(!splicing.hasEnded)
        #expect(try chain.output.reader.readBytes(filled).count == filled)
        #expect(try splicing.value() == 4)
        #expect(try chain.output.reader.readText() == "more")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end is 0, also for who waits for it`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        let splicing = spawn { try chain.splice() }
        #expect(!splicing.hasEnded)
        try chain.input.writer.close()
        #expect(try splicing.value() == 0)
        #expect(try chain.splice() == 0)
        #expect(try chain.splice(timeout: .zero) == 0)
      }
    }

    @Test(
      arguments: BackendUnderTest.selected, [Duration.zero, .milliseconds(-1), .milliseconds(1)])
    func `a time that is up on either side loses nothing`(
      on backend: BackendUnderTest, timeout: Duration
    ) throws {
      try backend.run {
        let chain = try Chain()
        #expect(errorCode { _ = try chain.splice(timeout: timeout) } == .timeout)
        try chain.input.writer.writeAll("kept")
        let filled = try chain.output.writer.fill()
        let error = try failure { _ = try chain.splice(timeout: timeout) }
        #expect(error.code == .timeout)
        let ends = "from pipe \(chain.input.reader.number) to pipe \(chain.output.writer.number)"
        #expect(error.description == "splice \(ends): timed out")
        #expect(try chain.output.reader.readBytes(filled).count == filled)
        #expect(try chain.splice(timeout: timeout) == 4)
        #expect(try chain.output.reader.readText() == "kept")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `closing either end ends the wait on it`(on backend: BackendUnderTest) throws {
      try backend.run {
        let first = try Chain()
        let forSource = spawn { try first.splice() }
        try settle()
        try first.input.reader.close()
        #expect(try forSource.error().code == .closed)

        let second = try Chain()
        _ = try second.output.writer.fill()
        try second.input.writer.writeAll("kept")
        let forRoom = spawn { try second.splice() }
        try settle()
        try second.output.writer.close()
        #expect(try forRoom.error().code == .closed)
        #expect(try second.input.reader.readText() == "kept")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a target that is closed meanwhile gets nothing, nor whoever has its number then`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let chain = try Chain()
        let splicing = spawn { try chain.splice() }
        try settle()
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let number = chain.output.writer.number
        try chain.output.writer.close()
        move(ends[1], to: number)
        let reader = try PipeEnd(adopting: FileDescriptor(ends[0]))
        try chain.input.writer.writeAll("kept")
        #expect(try splicing.error().code == .closed)
        #expect(errorCode { _ = try reader.readText(timeout: .zero) } == .timeout)
        Glibc.close(number)
        #expect(try chain.input.reader.readText() == "kept")
        #expect(errorCode { _ = try chain.splice(timeout: .zero) } == .closed)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who is cancelled hears of it, before he moves anything and while he waits`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let chain = try Chain()
        let splicing = spawn { try chain.splice() }
        try settle()
        splicing.coroutine.cancel()
        #expect(try splicing.error().code == .cancelled)
        try chain.input.writer.writeAll("kept")
        let before = Coroutine {
          Coroutine.current.cancel()
          #expect(errorCode { _ = try chain.splice() } == .cancelled)
          let moved = try chain.splice()
          #expect(moved == 4)
        }
        before.start()
        try before.join()
        #expect(try chain.output.reader.readText() == "kept")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end is told though the target is full`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        _ = try chain.output.writer.fill()
        let splicing = spawn { try chain.splice() }
        #expect(!splicing.hasEnded)
        try chain.input.writer.close()
        #expect(try splicing.value() == 0)
        #expect(try chain.splice(timeout: .zero) == (0))
      }
    }

    // MARK: The others

    @Test(arguments: BackendUnderTest.selected)
    func `who reads from the target is woken, though the loop is busy`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let chain = try Chain()
        for text in ["one", "two"] {
          let reading = spawn { try chain.output.reader.readText() }
          #expect(!reading.hasEnded)
          try chain.input.writer.writeAll(text)
          #expect(try chain.splice() == 3)
          try Fairness.keepBusy(until: { reading.hasEnded }) { try Coroutine.sleep() }
          #expect(try reading.value() == text)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who reads the same source gets what splice leaves`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        try chain.input.writer.writeAll("spliced")
        #expect(try chain.splice() == 7)
        let reading = spawn { try chain.input.reader.readText() }
        #expect(!reading.hasEnded)
        try chain.input.writer.writeAll("read")
        #expect(try reading.value() == "read")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who reads and who splices at once are both served`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        let reading = spawn { try chain.input.reader.readText() }
        let splicing = spawn { try chain.splice() }
        try settle()
        #expect(!reading.hasEnded && !splicing.hasEnded)
        // Whoever was first with the one gets nothing of the other.
        try chain.input.writer.writeAll("a")
        try eventually { reading.hasEnded || splicing.hasEnded }
        try chain.input.writer.writeAll("b")
        let text = try reading.value()
        #expect(try splicing.value() == 1)
        #expect(Set([text, try chain.output.reader.readText()]) == ["a", "b"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who writes and who splices at once are both served`(on backend: BackendUnderTest) throws {
      try backend.run {
        let chain = try Chain()
        let filled = try chain.output.writer.fill()
        try chain.input.writer.writeAll("spliced")
        let writing = spawn { try chain.output.writer.write("written") }
        let splicing = spawn { try chain.splice() }
        try settle()
        #expect(!writing.hasEnded && !splicing.hasEnded)
        #expect(try chain.output.reader.readBytes(filled).count == filled)
        #expect(try writing.value() == 7)
        #expect(try splicing.value() == 7)
        var text = ""
        while text.utf8.count < 14 { text += try chain.output.reader.readText() }
        #expect(["writtenspliced", "splicedwritten"].contains(text))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one who always finds bytes and room starves nobody`(on backend: BackendUnderTest) throws {
      try backend.run {
        // Round and round, without a wait.
        let chain = try Chain()
        try chain.input.writer.writeAll("x")
        var isAwake = false
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          isAwake = true
        }.start()
        try Fairness.keepBusy(until: { isAwake }) {
          let there = try chain.splice()
          let back = try chain.output.reader.splice(to: chain.input.writer, count: 1)
          #expect(there == 1 && back == 1)
        }
        #expect(isAwake)
        // Nor one who tries again and again.
        isAwake = false
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          isAwake = true
        }.start()
        let empty = try Chain()
        try Fairness.keepBusy(until: { isAwake }) {
          #expect(errorCode { _ = try empty.splice(timeout: .zero) } == .timeout)
        }
        #expect(isAwake)
      }
    }

  }
}
