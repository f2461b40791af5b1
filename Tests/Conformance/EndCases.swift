import CoroutineAPI
import Testing

extension Conformance {
  /// The end of a loop, after Python's rule for threads and daemons.
  @Suite struct Ending {
    @Test(arguments: BackendUnderTest.selected)
    func `a daemon's deinit that waits for ever is cancelled`(on backend: BackendUnderTest) throws {
      final class Worker: Coroutine {
        let log: EventLog
        init(_ log: EventLog) {
          self.log = log
          super.init(daemon: true)
        }
        override func run() throws { try Coroutine.sleep() }
        deinit {
          let error = caught { () throws(CoroutineError) in try Coroutine.sleep(.infinity) }
          log.note("\(String(describing: error?.code))")
        }
      }
      let log = EventLog()
      try backend.run {
        Worker(log).start()
        // Its code is over then, nobody else holds it, and its deinit waits.
        for _ in 0..<3 { try Coroutine.sleep() }
        #expect(log.events.isEmpty)
      }
      #expect(log.events == ["Optional(cancelled)"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `coroutines that are not daemons run to their end`(on backend: BackendUnderTest) throws {
      let log = EventLog()
      try backend.run {
        Coroutine {
          for turn in 1...3 {
            try Coroutine.sleep(for: .microseconds(100))
            log.note("\(turn)")
          }
        }.start()
        log.note("body ends")
      }
      #expect(log.events == ["body ends", "1", "2", "3"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what they start after the body's end runs to its end too`(
      on backend: BackendUnderTest
    ) throws {
      let log = EventLog()
      try backend.run {
        Coroutine {
          try Coroutine.sleep()
          Coroutine {
            try Coroutine.sleep(for: .microseconds(100))
            log.note("child")
          }.start()
          log.note("parent")
        }.start()
        log.note("body")
      }
      #expect(log.events == ["body", "parent", "child"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `daemons live until the last of the others has ended`(on backend: BackendUnderTest) throws
    {
      let log = EventLog()
      try backend.run {
        Coroutine(daemon: true) {
          defer { log.note("daemon ends") }
          while true { try Coroutine.sleep(for: .microseconds(50)) }
        }.start()
        Coroutine {
          try Coroutine.sleep(for: .milliseconds(2))
          log.note("worker ends")
        }.start()
      }
      #expect(log.events == ["worker ends", "daemon ends"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `after the body's end the main coroutine is not counted`(
      on backend: BackendUnderTest
    ) throws {
      var counts: [Int] = []
      var names: [String] = []
      try backend.run {
        Coroutine(name: "worker") {
          try Coroutine.sleep()
          counts.append(Coroutine.activeCount)
          names = Coroutine.enumerate().map(\.name)
        }.start()
      }
      #expect(counts == [1])
      #expect(names == ["worker"])
    }

    // MARK: Cancelling daemons

    /// Runs a daemon until it waits in `wait`, and tells with what error the end of the loop ends
    /// it.
    static func codeOfWait(
      on backend: BackendUnderTest,
      _ wait: @escaping () throws(CoroutineError) -> Void
    ) throws -> CoroutineError.Code? {
      let log = EventLog()
      var code: CoroutineError.Code?
      try backend.run {
        Coroutine(daemon: true) {
          defer { log.note("defer") }
          let error = caught(of: wait)
          code = error?.code
          if let error { throw error }
        }.start()
        Coroutine.uncaughtErrorHook = { _, error in Issue.record("reported: \(error)") }
        try settle()
        #expect(log.events.isEmpty)
      }
      #expect(log.events == ["defer"])
      return code
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a daemon that sleeps is cancelled`(on backend: BackendUnderTest) throws {
      let code = try Self.codeOfWait(on: backend) { () throws(CoroutineError) in
        try Coroutine.sleep(3600)
      }
      #expect(code == .cancelled)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a daemon that joins is cancelled`(on backend: BackendUnderTest) throws {
      let code = try Self.codeOfWait(on: backend) { () throws(CoroutineError) in
        let other = Coroutine(daemon: true) { try Coroutine.sleep(.infinity) }
        other.start()
        try other.join()
      }
      #expect(code == .cancelled)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a daemon that joins with a timeout is cancelled`(on backend: BackendUnderTest) throws {
      let code = try Self.codeOfWait(on: backend) { () throws(CoroutineError) in
        let other = Coroutine(daemon: true) { try Coroutine.sleep(.infinity) }
        other.start()
        try other.join(timeout: .seconds(3600))
      }
      #expect(code == .cancelled)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a daemon that reads is cancelled`(on backend: BackendUnderTest) throws {
      let code = try Self.codeOfWait(on: backend) { () throws(CoroutineError) in
        let (reader, writer) = try Coroutine.pipe()
        var buffer = [UInt8](repeating: 0, count: 8)
        _ = try reader.read(into: &buffer)
        try writer.close()
      }
      #expect(code == .cancelled)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a daemon that reads with a timeout is cancelled`(on backend: BackendUnderTest) throws {
      let code = try Self.codeOfWait(on: backend) { () throws(CoroutineError) in
        let (left, right) = try Coroutine.socketPair()
        var buffer = [UInt8](repeating: 0, count: 8)
        _ = try left.receive(into: &buffer, timeout: .seconds(3600))
        try right.close()
      }
      #expect(code == .cancelled)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a daemon that writes to a full pipe is cancelled`(on backend: BackendUnderTest) throws {
      let code = try Self.codeOfWait(on: backend) { () throws(CoroutineError) in
        let (reader, writer) = try Coroutine.pipe()
        try writer.writeAll([UInt8](repeating: 1, count: 4 << 20))
        try reader.close()
      }
      #expect(code == .cancelled)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a daemon that accepts is cancelled`(on backend: BackendUnderTest) throws {
      let code = try Self.codeOfWait(on: backend) { () throws(CoroutineError) in
        let server = try Coroutine.socket(.inet, .stream)
        try server.bind(to: .inet("127.0.0.1", port: 0))
        try server.listen()
        _ = try server.accept()
      }
      #expect(code == .cancelled)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a daemon that can run is cancelled at its next wait`(on backend: BackendUnderTest) throws
    {
      var code: CoroutineError.Code?
      try backend.run {
        Coroutine(daemon: true) {
          code =
            caught { () throws(CoroutineError) in
              while true { try Coroutine.sleep() }
            }?.code
        }.start()
      }
      #expect(code == .cancelled)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `every further wait of a cancelled coroutine throws at once`(
      on backend: BackendUnderTest
    ) throws {
      var codes: [CoroutineError.Code?] = []
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let other = Coroutine(daemon: true) { try Coroutine.sleep(.infinity) }
        other.start()
        Coroutine(daemon: true) {
          var buffer = [UInt8](repeating: 0, count: 8)
          codes = [
            caught { () throws(CoroutineError) in try Coroutine.sleep(.infinity) }?.code,
            caught { () throws(CoroutineError) in try Coroutine.sleep() }?.code,
            caught { () throws(CoroutineError) in try Coroutine.sleep(1) }?.code,
            caught { () throws(CoroutineError) in try reader.read(into: &buffer) }?.code,
            caught { () throws(CoroutineError) in try writer.write("x") }?.code,
            caught { () throws(CoroutineError) in
              try Coroutine.main.join()  // It has ended: nothing to wait for.
            }?.code,
          ]
        }.start()
      }
      #expect(codes == [.cancelled, .cancelled, .cancelled, .cancelled, .cancelled, nil])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a cancelled coroutine can still close its descriptors`(
      on backend: BackendUnderTest
    ) throws {
      var closed: [Bool] = []
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let (left, right) = try Coroutine.socketPair()
        Coroutine(daemon: true) {
          defer {
            for error in [
              caught { () throws(CoroutineError) in try reader.close() },
              caught { () throws(CoroutineError) in try left.close() },
            ] {
              closed.append(error == nil)
            }
          }
          // Were the other ends closed, the read would end before it is cancelled.
          defer { withExtendedLifetime((writer, right)) {} }
          var buffer = [UInt8](repeating: 0, count: 8)
          _ = try reader.read(into: &buffer)
        }.start()
      }
      #expect(closed == [true, true])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a coroutine started while the loop ends runs, and its waits throw`(
      on backend: BackendUnderTest
    ) throws {
      let log = EventLog()
      try backend.run {
        Coroutine(daemon: true) {
          defer {
            let late = Coroutine(daemon: false) {
              log.note("late runs")
              defer { log.note("late ends") }
              try Coroutine.sleep(1)
              log.note("late slept")
            }
            late.start()
            log.note("starter ends")
          }
          try Coroutine.sleep(.infinity)
        }.start()
      }
      #expect(log.events == ["late runs", "late ends", "starter ends"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a daemon that swallows the error once still ends`(on backend: BackendUnderTest) throws {
      var turns = 0
      try backend.run {
        Coroutine(daemon: true) {
          for _ in 0..<100 {
            _ = caught { () throws(CoroutineError) in try Coroutine.sleep(.infinity) }
            turns += 1
          }
        }.start()
        #expect(turns == 0)
      }
      #expect(turns == 100)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error of its own in a cancelled daemon is reported`(
      on backend: BackendUnderTest
    ) throws {
      struct Failure: Error {}
      var reported: [String] = []
      try backend.run {
        Coroutine.uncaughtErrorHook = { reported.append("\($0.name): \($1)") }
        Coroutine(name: "daemon", daemon: true) {
          if caught(of: { () throws(CoroutineError) in try Coroutine.sleep(.infinity) }) != nil {
            throw Failure()
          }
        }.start()
      }
      #expect(reported == ["daemon: Failure()"])
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a thousand daemons in different waits all end`(on backend: BackendUnderTest) throws {
      var ended = 0
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        for number in 0..<1000 {
          Coroutine(daemon: true) {
            defer { withExtendedLifetime(writer) { ended += 1 } }
            var buffer = [UInt8](repeating: 0, count: 8)
            switch number % 4 {
            case 0: try Coroutine.sleep(.infinity)
            case 1: try Coroutine.main.join()
            case 2: _ = try reader.read(into: &buffer)
            default: _ = try reader.read(into: &buffer, timeout: .seconds(3600))
            }
          }.start()
        }
        #expect(ended == 0)
      }
      #expect(ended == 1000)
    }
  }
}
