import CoroutineAPI
import Glibc
import Synchronization
import Testing

extension Conformance {
  /// `startWatchdog`: who holds its thread is named, who waits is not.
  @Suite struct Watching {
    /// What was reported.
    private final class Reports: Sendable {
      private let list = Mutex<[CoroutineHold]>([])
      var all: [CoroutineHold] { list.withLock { $0 } }
      var names: [String] { all.map(\.name) }
      func add(_ hold: CoroutineHold) { list.withLock { $0.append(hold) } }

      /// Computes until `name` has been reported so often, for ten seconds at most.
      func compute(until name: String, times: Int) throws {
        let deadline = Instant.kernelNow + .seconds(10)
        while names.count(where: { $0 == name }) < times {
          try #require(Instant.kernelNow < deadline, "it was never reported")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who computes is named while it does, once a hold`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let reports = Reports()
        try Coroutine.startWatchdog(limit: .milliseconds(2)) { reports.add($0) }
        let hog = Coroutine(name: "hog") {
          for hold in 1...2 {
            try reports.compute(until: "hog", times: hold)
            // Long enough for a second report of the same hold.
            compute(for: .milliseconds(6))
            #expect(reports.names.count { $0 == "hog" } == hold)
            try Coroutine.sleep(for: .microseconds(1))
          }
        }
        hog.start()
        try hog.join()
        let hold = try #require(reports.all.first { $0.name == "hog" })
        #expect(hold.ident == hog.ident && hold.duration >= .milliseconds(2))
        #expect(hold.description.hasPrefix("hog (ident \(hold.ident)) has held its thread for "))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the main coroutine is watched too, and one without a name`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let reports = Reports()
        try Coroutine.startWatchdog(limit: .milliseconds(1)) { reports.add($0) }
        try reports.compute(until: "MainCoroutine", times: 1)
        let nameless = Coroutine { try reports.compute(until: Coroutine.current.name, times: 1) }
        nameless.start()
        try nameless.join()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a loop that waits holds nothing`(on backend: BackendUnderTest) throws {
      try backend.run {
        let reports = Reports()
        // Far above what a busy machine makes of a switch.
        try Coroutine.startWatchdog(limit: .milliseconds(60)) { reports.add($0) }
        let sleeper = Coroutine(name: "sleeper") { try Coroutine.sleep(for: .milliseconds(150)) }
        sleeper.start()
        try sleeper.join()
        #expect(!reports.names.contains("sleeper"))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who lets the others go holds nothing, even if there are none`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        // A busy machine may have taken the processor away for so long; but not each time.
        let wasQuiet = try (1...5).contains { _ in
          let reports = Reports()
          try Coroutine.startWatchdog(limit: .milliseconds(60)) { reports.add($0) }
          let end = Instant.now + .milliseconds(150)
          while Instant.now < end { try Coroutine.sleep() }
          return reports.names.isEmpty
        }
        #expect(wasQuiet)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `stopped, it reports no more; the limit must be positive`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let reports = Reports()
        let error = try failure { try Coroutine.startWatchdog(limit: .zero) { reports.add($0) } }
        #expect(error.code == .invalidArgument && error.operands == "with limit 0.0 seconds")
        try Coroutine.startWatchdog(limit: .milliseconds(1)) { reports.add($0) }
        try reports.compute(until: "MainCoroutine", times: 1)
        Coroutine.stopWatchdog()
        Coroutine.stopWatchdog()
        let count = reports.all.count
        compute(for: .milliseconds(4))
        #expect(reports.all.count == count)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end of one whose object nobody keeps is no matter`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let reports = Reports()
        try Coroutine.startWatchdog(limit: .seconds(60)) { reports.add($0) }
        for number in 0..<20 {
          Coroutine(name: "a name that lies on the heap, \(number)") {
            try Coroutine.sleep(for: .microseconds(50))
          }.start()
          try Coroutine.sleep(for: .microseconds(200))
        }
        #expect(reports.names.isEmpty)
      }
    }
  }
}
