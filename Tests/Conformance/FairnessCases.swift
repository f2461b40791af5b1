import CoroutineAPI
import Testing

extension Conformance {
  /// Nobody who keeps the thread busy starves the others, nor the clock, nor the kernel's news.
  @Suite struct Fairness {
    /// Calls `step` until `isDone`; a starved case fails after this long instead of hanging.
    static func keepBusy(until isDone: () -> Bool, _ step: () throws -> Void) throws {
      let limit = Instant.now + .seconds(5)
      var steps = 0
      while !isDone() {
        try step()
        steps += 1
        if steps % 256 == 0, Instant.now > limit { break }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one who yields for ever does not starve a timer`(on backend: BackendUnderTest) throws {
      try backend.run {
        var isAwake = false
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          isAwake = true
        }.start()
        try Self.keepBusy(until: { isAwake }) { try Coroutine.sleep() }
        #expect(isAwake)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `two who yield to each other do not starve a timer`(on backend: BackendUnderTest) throws {
      try backend.run {
        var isAwake = false
        let busy = (0..<2).map { _ in
          Coroutine { try Self.keepBusy(until: { isAwake }) { try Coroutine.sleep() } }
        }
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          isAwake = true
        }.start()
        for coroutine in busy { coroutine.start() }
        for coroutine in busy { try coroutine.join() }
        #expect(isAwake)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one whose sends fail for ever does not starve the others`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        try right.close()
        var isAwake = false
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          isAwake = true
        }.start()
        var failures = 0
        try Self.keepBusy(until: { isAwake }) {
          do { try left.sendAll("x") } catch { failures += 1 }
        }
        #expect(isAwake && failures > 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one who yields for ever does not starve an operation`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        var received = 0
        Coroutine {
          var buffer = [UInt8](repeating: 0, count: 8)
          received = try reader.read(into: &buffer)
        }.start()
        for _ in 0..<10 { try Coroutine.sleep() }
        try writer.writeAll("ping")
        try Self.keepBusy(until: { received > 0 }) { try Coroutine.sleep() }
        #expect(received == 4)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one who starts and joins for ever does not starve a timer`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var isAwake = false
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          isAwake = true
        }.start()
        try Self.keepBusy(until: { isAwake }) {
          let child = Coroutine { try Coroutine.sleep() }
          child.start()
          try child.join()
        }
        #expect(isAwake)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one whose reads always succeed does not starve who can run`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        var buffer = [UInt8](repeating: 0, count: 8)
        var hasRun = false
        Coroutine {
          try Coroutine.sleep()
          hasRun = true
        }.start()
        try Self.keepBusy(until: { hasRun }) {
          try writer.writeAll("x")
          _ = try reader.read(into: &buffer)
        }
        #expect(hasRun)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one whose reads always succeed does not starve a timer`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        var buffer = [UInt8](repeating: 0, count: 8)
        var isAwake = false
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          isAwake = true
        }.start()
        try Self.keepBusy(until: { isAwake }) {
          try writer.writeAll("x")
          _ = try reader.read(into: &buffer)
        }
        #expect(isAwake)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one whose reads always succeed does not starve another's operation`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let (otherReader, otherWriter) = try Coroutine.pipe()
        var received = 0
        Coroutine {
          var buffer = [UInt8](repeating: 0, count: 8)
          received = try otherReader.read(into: &buffer)
        }.start()
        try otherWriter.writeAll("ping")
        var buffer = [UInt8](repeating: 0, count: 8)
        try Self.keepBusy(until: { received > 0 }) {
          try writer.writeAll("x")
          _ = try reader.read(into: &buffer)
        }
        #expect(received == 4)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `calls that never park do not starve a timer`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        defer { withExtendedLifetime(writer) {} }
        var buffer = [UInt8](repeating: 0, count: 8)
        var isAwake = false
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          isAwake = true
        }.start()
        try Self.keepBusy(until: { isAwake }) {
          let error = caught { () throws(CoroutineError) in
            try reader.read(into: &buffer, timeout: .zero)
          }
          if error?.code != .timeout { Issue.record("\(String(describing: error))") }
        }
        #expect(isAwake)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `two who keep each other busy by a pipe leave the others their turns`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (forthReader, forthWriter) = try Coroutine.pipe()
        let (backReader, backWriter) = try Coroutine.pipe()
        var isAwake = false
        let echo = Coroutine(daemon: true) {
          var buffer = [UInt8](repeating: 0, count: 8)
          while try forthReader.read(into: &buffer) > 0 { try backWriter.writeAll("x") }
        }
        echo.start()
        Coroutine {
          for _ in 0..<5 { try Coroutine.sleep(for: .microseconds(300)) }
          isAwake = true
        }.start()
        var buffer = [UInt8](repeating: 0, count: 8)
        try Self.keepBusy(until: { isAwake }) {
          try forthWriter.writeAll("x")
          _ = try backReader.read(into: &buffer)
        }
        #expect(isAwake)
        try forthWriter.close()
        try echo.join()
      }
    }
  }
}
