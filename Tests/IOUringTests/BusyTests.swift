#if IOUring
  import CLinux
  import CoroutineAPI
  import Glibc
  import Testing

  @testable import BackendIOUring

  /// When what is written is handed to the kernel by a call of its own, and not by the ring.
  @Suite(.enabled(if: FeatureTests.isPermitted)) struct Busy {
    private let backend: IOUringBackend

    init() throws { backend = try IOUringBackend() }

    private func look(at microseconds: Int64, taking duration: Int64 = 0) -> Bool {
      backend.noteHowBusy(Instant(nanoseconds: microseconds * 1000))
      backend.noteEnd(Instant(nanoseconds: (microseconds + duration) * 1000))
      return backend.isBusy
    }

    @Test func `looks that follow one another say nothing`() {
      #expect((1...100).allSatisfy { !look(at: $0 * 400) })
      backend.close()
    }

    @Test func `a long time before a look says that somebody computes, for a while`() {
      #expect(!look(at: 1000))
      #expect(look(at: 1401))
      #expect((1...66).allSatisfy { look(at: 1401 + $0 * 300) })
      #expect(!look(at: 21_401))
      backend.close()
    }

    @Test func `what the kernel does in a look is nobody's computing`() {
      #expect(!look(at: 1000, taking: 5000))
      #expect(!look(at: 6400))
      #expect(look(at: 6801))
      backend.close()
    }

    @Test func `a time in which much is asked for says nothing`() {
      #expect(!look(at: 1000))
      // Without the kernel's knowledge: nothing of it is ever submitted.
      backend.queues.pointee.sq.sqe_tail &+= 100
      #expect(!look(at: 2200))
      #expect(look(at: 3000))
      backend.queues.pointee.sq.sqe_tail &-= 100
      backend.close()
    }

    @Test func `while somebody computes what is sent is not kept for the ring`() throws {
      defer { backend.close() }
      // Where the ring has not everything the calls are made at once anyway.
      guard backend.ring.doesEverything, backend.lines.identities == nil else { return }
      var ends: [CInt] = [-1, -1]
      try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
      defer { for end in ends { close(end) } }
      var byte: UInt8 = 7
      let operations = UnsafeMutablePointer<KernelOperation>.allocate(capacity: 3)
      defer { operations.deallocate() }
      func start(_ index: Int, _ kind: KernelOperation.Kind) -> Bool {
        (operations + index).initialize(to: KernelOperation(kind))
        return backend.start(KernelOperation.Reference(operations + index))
      }
      try withUnsafeMutableBytes(of: &byte) { bytes in
        // Something waits to be submitted, so that sending goes there too, in its turn.
        #expect(!start(0, .receive(ends[1], bytes, flags: 0)))
        #expect(!start(1, .send(ends[0], UnsafeRawBufferPointer(bytes), flags: 0)))
        backend.isBusy = true
        // Not ahead of who is in line.
        #expect(!start(2, .send(ends[0], UnsafeRawBufferPointer(bytes), flags: 0)))
        try finish([0, 1, 2])
        #expect(start(2, .send(ends[0], UnsafeRawBufferPointer(bytes), flags: 0)))
        #expect(operations[2].result == 1)
      }

      func finish(_ indices: Set<Int>) throws {
        var missing = indices
        for _ in 0..<100 where !missing.isEmpty {
          var completed = Completions()
          backend.wait(.forever, completed: &completed)
          backend.isBusy = true
          while let operation = completed.popFirst() {
            #expect(operation.pointer.pointee.result == 1)
            missing.remove(operation.pointer - operations)
          }
        }
        try #require(missing.isEmpty)
      }
    }

    @Test func `what is sent alone is sent at once, and else by the ring`() throws {
      defer { backend.close() }
      guard backend.hasShortWay else { return }
      var ends: [CInt] = [-1, -1]
      try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
      defer { for end in ends { close(end) } }
      let operations = UnsafeMutablePointer<KernelOperation>.allocate(capacity: 2)
      defer { operations.deallocate() }
      func start(_ index: Int, _ kind: KernelOperation.Kind) -> Bool {
        (operations + index).initialize(to: KernelOperation(kind))
        return backend.start(KernelOperation.Reference(operations + index))
      }
      var bytes: (UInt8, UInt8) = (7, 0)
      try withUnsafeMutableBytes(of: &bytes) { bytes in
        let sent = UnsafeRawBufferPointer(rebasing: bytes[..<1])
        let received = UnsafeMutableRawBufferPointer(rebasing: bytes[1...])
        // A descriptor's first operation goes the long way.
        #expect(start(0, .send(ends[0], sent, flags: 0)))
        #expect(start(0, .send(ends[0], sent, flags: 0)))
        #expect(!start(1, .receive(ends[0], received, flags: 0)))
        var completed = Completions()
        backend.wait(.poll, completed: &completed)
        #expect(completed.isEmpty && backend.ring.unsubmittedCount == 0)
        // Whatever kept this test from running.
        backend.isBusy = false
        #expect(!start(0, .send(ends[0], sent, flags: 0)))
        try #require(send(ends[1], "x", 1, 0) == 1)
        var missing = 2
        while missing > 0 {
          backend.wait(.forever, completed: &completed)
          while completed.popFirst() != nil { missing -= 1 }
        }
        #expect(operations[0].result == 1 && operations[1].result == 1)
      }
    }
  }
#endif
