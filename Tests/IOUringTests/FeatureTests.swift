#if IOUring
  import CLiburing
  import CoroutineAPI
  import Testing

  @testable import BackendIOUring

  /// What a ring asks the kernel for, and what the environment turns off.
  @Suite struct FeatureTests {
    static let setUp: [(feature: Features, flag: UInt32)] = [
      (.singleIssuer, IORING_SETUP_SINGLE_ISSUER), (.deferTaskrun, IORING_SETUP_DEFER_TASKRUN),
      (.coopTaskrun, IORING_SETUP_COOP_TASKRUN), (.taskrunFlag, IORING_SETUP_TASKRUN_FLAG),
      (.submitAll, IORING_SETUP_SUBMIT_ALL), (.completionQueueSize, IORING_SETUP_CQSIZE),
    ]
    static let isPermitted = (try? IOUringBackend().close()) != nil
    static let single = Features.named.map(\.name).filter { $0 != "nodrop" }

    private func settings(_ environment: [String: String]) throws -> Settings {
      try Settings(entries: 256) { environment[$0] }
    }

    // MARK: What is asked for

    @Test func `every feature has a name`() {
      #expect(Set(Features.named.map(\.name)).count == Features.named.count)
      #expect(Features.named.reduce(into: Features()) { $0.formUnion($1.feature) } == .all)
    }

    @Test func `the first attempt asks for the best, the last for nothing`() {
      let attempts = Features.all.attempts
      #expect(
        attempts.map(\.setUpFlags) == [
          IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG
            | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
          IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG
            | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
          IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL
            | IORING_SETUP_CQSIZE,
          IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
          IORING_SETUP_CQSIZE,
          0,
        ])
    }

    @Test(arguments: setUp) func `what is turned off is never asked for`(
      feature: Features, flag: UInt32
    ) {
      for attempt in Features.all.subtracting(feature).attempts {
        #expect(attempt.setUpFlags & flag == 0)
      }
    }

    @Test func `what needs another feature goes with it`() {
      let all = Features.all
      #expect(!all.subtracting(.singleIssuer).consistent.contains(.deferTaskrun))
      #expect(!all.subtracting(.extendedArgument).consistent.contains(.deferTaskrun))
      #expect(!all.subtracting([.deferTaskrun, .coopTaskrun]).consistent.contains(.taskrunFlag))
      #expect(all.subtracting(.currentPosition).consistent.isDisjoint(with: [.read, .write]))
      #expect(all.subtracting(.asyncCancel).consistent.isDisjoint(with: .operations))
      #expect(all.subtracting(.fastPoll).consistent.isDisjoint(with: .operations))
      #expect(all.consistent.isSuperset(of: .operations))
    }

    @Test func `work can hide only where the kernel defers it and sets no flag`() {
      #expect(!Features.all.hidesWork)
      #expect(Features.all.subtracting(.taskrunFlag).hidesWork)
      #expect(Features.all.subtracting([.deferTaskrun, .taskrunFlag]).hidesWork)
      #expect(!Features.all.subtracting([.deferTaskrun, .coopTaskrun, .taskrunFlag]).hidesWork)
    }

    // MARK: What a ring has

    @Test(.enabled(if: isPermitted), arguments: single)
    func `a ring does without what the environment turns off`(name: String) throws {
      let settings = try settings(["COROUTINE_IO_URING_DISABLE": name])
      let backend = try IOUringBackend(settings)
      defer { backend.close() }
      let feature = try #require(Features.named.first { $0.name == name }).feature
      #expect(backend.ring.features.isDisjoint(with: feature))
      for (other, flag) in Self.setUp where other == feature {
        #expect(backend.ring.ring.pointee.flags & flag == 0)
      }
    }

    @Test(.enabled(if: isPermitted)) func `all of it turned off leaves a ring without flags`()
      throws
    {
      let settings = try settings(["COROUTINE_IO_URING_DISABLE": "all"])
      let backend = try IOUringBackend(settings)
      defer { backend.close() }
      #expect(backend.ring.features == .noDrop)
      #expect(backend.ring.ring.pointee.flags == 0)
    }

    @Test(.enabled(if: isPermitted)) func `without room for completions there is no ring`() {
      #expect {
        try IOUringBackend(settings(["COROUTINE_IO_URING_DISABLE": "nodrop"]))
      } throws: {
        ($0 as? CoroutineError)?.code == .unavailable && "\($0)".contains("use the epoll backend")
      }
    }

    @Test(.enabled(if: isPermitted), arguments: ["defer-taskrun", "single-issuer", "all"])
    func `where work can't be deferred the automatic choice is told so`(name: String) {
      #expect {
        try IOUringBackend(
          settings(["COROUTINE_IO_URING_DISABLE": name]), requiresDeferredWork: true)
      } throws: {
        ($0 as? CoroutineError)?.code == .unavailable && "\($0)".contains("Linux 6.1")
      }
    }

    // MARK: The environment

    @Test func `names are taken off, with commas between them`() throws {
      let settings = try settings(["COROUTINE_IO_URING_DISABLE": "recv,defer-taskrun,"])
      #expect(settings.features == Features.all.subtracting([.receive, .deferTaskrun]))
    }

    @Test func `an unknown name is an error that lists the known`() {
      #expect {
        try settings(["COROUTINE_IO_URING_DISABLE": "recv,defer_taskrun"])
      } throws: { error in
        (error as? CoroutineError)?.code == .unavailable
          && "\(error)".contains("COROUTINE_IO_URING_DISABLE")
          && "\(error)".contains("no feature is called defer_taskrun")
          && Features.named.allSatisfy { "\(error)".contains($0.name) }
      }
    }

    @Test func `the lengths of the queues are taken from the environment`() throws {
      let tiny = try settings([
        "COROUTINE_IO_URING_ENTRIES": "4", "COROUTINE_IO_URING_CQ_ENTRIES": "8",
      ])
      #expect(tiny.entries == 4 && tiny.completionEntries == 8)
      let plain = try settings([:])
      #expect(plain.entries == 256 && plain.completionEntries == 2048)
      // The kernel refuses a completion queue that is the shorter one.
      let short = try settings(["COROUTINE_IO_URING_CQ_ENTRIES": "8"])
      #expect(short.completionEntries == 256)
      let long = try settings(["COROUTINE_IO_URING_ENTRIES": "1000000"])
      #expect(long.entries == 32_768 && long.completionEntries == 65_536)
    }

    @Test(arguments: ["0", "-1", "four", "4.5"])
    func `a length that is none is an error that names the variable`(text: String) {
      for name in ["COROUTINE_IO_URING_ENTRIES", "COROUTINE_IO_URING_CQ_ENTRIES"] {
        #expect {
          try settings([name: text])
        } throws: {
          ($0 as? CoroutineError)?.code == .unavailable && "\($0)".contains("\(name)=\(text)")
        }
      }
    }

    @Test(.enabled(if: isPermitted)) func `queues of every length can be had`() throws {
      for (entries, completions) in [(1, 1), (3, 5), (4, 8), (32_768, 65_536)] {
        let backend = try IOUringBackend(
          Settings(entries: entries, completionEntries: completions))
        #expect(Int(backend.ring.ring.pointee.sq.ring_entries) >= entries)
        #expect(Int(backend.ring.ring.pointee.cq.ring_entries) >= completions)
        backend.close()
      }
    }
  }
#endif
