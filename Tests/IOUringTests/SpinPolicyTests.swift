#if IOUring
  import CLinux
  import CoroutineAPI
  import Glibc
  import Testing

  @testable import BackendIOUring

  /// When a wait looks at the ring's memory before it blocks.
  @Suite struct SpinPolicyTests {
    private var policy = SpinPolicy()
    private var now: Int64 = 0

    /// Waits that block for so long, with so much to do before each.
    private mutating func block(
      _ count: Int, for wait: Int64, after work: Int64 = 5_000, inFlight: Int = 1
    ) {
      for _ in 0..<count {
        now += work
        policy.blocked(from: now, to: now + wait, inFlight: inFlight)
        now += wait
      }
    }

    private mutating func spin(_ count: Int, inVain: Bool) {
      for _ in 0..<count where policy.isSpinning { policy.spun(inVain: inVain) }
    }

    @Test mutating func `short waits that take much of the time are spun`() {
      block(SpinPolicy.sampleLength - 1, for: 50_000)
      #expect(!policy.isSpinning)
      block(1, for: 50_000)
      #expect(policy.isSpinning)
    }

    @Test mutating func `long waits are not, nor where there is nearly always something to do`() {
      block(10 * SpinPolicy.sampleLength, for: 150_000)
      #expect(!policy.isSpinning)
      block(10 * SpinPolicy.sampleLength, for: 5_000, after: 6_000)
      #expect(!policy.isSpinning)
      block(SpinPolicy.sampleLength, for: 5_000, after: 4_000)
      #expect(policy.isSpinning)
    }

    @Test mutating func `where much is waited for nobody spins`() {
      block(10 * SpinPolicy.sampleLength, for: 50_000, inFlight: SpinPolicy.mostInFlight + 1)
      #expect(!policy.isSpinning)
      block(SpinPolicy.sampleLength, for: 50_000, inFlight: SpinPolicy.mostInFlight)
      #expect(policy.isSpinning)
    }

    @Test mutating func `what seldom is in vain goes on, until it is measured again`() {
      block(SpinPolicy.sampleLength, for: 50_000)
      for _ in 0..<SpinPolicy.spinLength / 32 {
        #expect(policy.isSpinning)
        spin(31, inVain: false)
        spin(1, inVain: true)
      }
      #expect(policy.isSpinning)
      spin(1, inVain: false)
      #expect(!policy.isSpinning)
      // No pause: it was worth it.
      block(SpinPolicy.sampleLength, for: 50_000)
      #expect(policy.isSpinning)
    }

    @Test mutating func `in vain it ends soon, and is not tried again for longer and longer`() {
      var pause = 2 * SpinPolicy.sampleLength
      for _ in 0..<SpinPolicy.mostFailures {
        block(SpinPolicy.sampleLength, for: 50_000)
        #expect(policy.isSpinning)
        spin(SpinPolicy.credit, inVain: true)
        #expect(policy.isSpinning)
        spin(1, inVain: true)
        #expect(!policy.isSpinning)
        block(pause, for: 50_000)
        #expect(!policy.isSpinning)
        pause *= 2
      }
      // No longer than that, and short again once it was worth it.
      for isWorthIt in [false, true] {
        block(SpinPolicy.sampleLength, for: 50_000)
        #expect(policy.isSpinning)
        if isWorthIt { spin(SpinPolicy.longEnough, inVain: false) }
        spin(SpinPolicy.credit + 1, inVain: true)
        #expect(!policy.isSpinning)
        block(isWorthIt ? 2 * SpinPolicy.sampleLength : pause / 2, for: 50_000)
      }
      block(SpinPolicy.sampleLength, for: 50_000)
      #expect(policy.isSpinning)
    }

    @Test mutating func `half of it in vain is too much`() {
      block(SpinPolicy.sampleLength, for: 50_000)
      var spun = 0
      while policy.isSpinning, spun < 100 {
        policy.spun(inVain: spun % 2 == 0)
        spun += 1
      }
      #expect(!policy.isSpinning)
    }
  }

  /// Waits that spin, on a ring.
  @Suite(.enabled(if: FeatureTests.isPermitted)) struct Spinning {
    /// A backend whose next waits spin, where the ring can.
    private func make() throws -> IOUringBackend {
      let backend = try IOUringBackend()
      for _ in 0..<SpinPolicy.sampleLength { backend.spins.blocked(from: 0, to: 1, inFlight: 1) }
      #expect(backend.spins.isSpinning)
      return backend
    }

    @Test func `the ring knows how much it has`() throws {
      let backend = try IOUringBackend()
      defer { backend.close() }
      // The poll of the eventfd.
      #expect(backend.ring.inFlight == 1)
      var ends: [CInt] = [-1, -1]
      try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
      defer { for end in ends { close(end) } }
      var byte: UInt8 = 0
      withUnsafeMutableBytes(of: &byte) { bytes in
        var operation = KernelOperation(.receive(ends[0], bytes, flags: 0))
        withUnsafeMutablePointer(to: &operation) { pointer in
          #expect(!backend.start(KernelOperation.Reference(pointer)))
          #expect(backend.ring.inFlight == 2)
          #expect(write(ends[1], "x", 1) == 1)
          var completed = Completions()
          while completed.isEmpty { backend.wait(.forever, completed: &completed) }
        }
      }
      #expect(backend.ring.inFlight == 1)
      for _ in 0..<10 {
        backend.wake()
        var completed = Completions()
        backend.wait(.forever, completed: &completed)
      }
      #expect(backend.ring.inFlight == 1)
    }

    @Test func `it ends at its deadline`() throws {
      let backend = try make()
      defer { backend.close() }
      var completed = Completions()
      for microseconds in [-1, 0, 1, 10, 200] {
        let deadline = backend.now + .microseconds(microseconds)
        while backend.now < deadline { backend.wait(.until(deadline), completed: &completed) }
        #expect(completed.isEmpty)
      }
    }

    @Test func `it submits what is queued, and ends with what comes`() throws {
      let backend = try make()
      defer { backend.close() }
      var ends: [CInt] = [-1, -1]
      try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
      defer { for end in ends { close(end) } }
      var byte: UInt8 = 0
      try withUnsafeMutableBytes(of: &byte) { bytes in
        var operation = KernelOperation(.receive(ends[0], bytes, flags: 0))
        try withUnsafeMutablePointer(to: &operation) { pointer in
          let reference = KernelOperation.Reference(pointer)
          for _ in 0..<100 {
            pointer.initialize(to: KernelOperation(.receive(ends[0], bytes, flags: 0)))
            #expect(!backend.start(reference))
            var completed = Completions()
            backend.wait(.until(backend.now + .microseconds(5)), completed: &completed)
            try #require(completed.isEmpty)
            try #require(write(ends[1], "x", 1) == 1)
            while completed.isEmpty { backend.wait(.forever, completed: &completed) }
            #expect(completed.popFirst() == reference && pointer.pointee.result == 1)
          }
        }
      }
    }

    @Test func `it ends when it is woken`() throws {
      let backend = try make()
      defer { backend.close() }
      var completed = Completions()
      for _ in 0..<100 {
        backend.wake()
        backend.wait(.forever, completed: &completed)
        #expect(completed.isEmpty)
      }
    }
  }
#endif
