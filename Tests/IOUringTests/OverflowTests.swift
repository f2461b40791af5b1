#if IOUring
  import CLinux
  import CoroutineAPI
  import Glibc
  import Testing

  @testable import BackendIOUring

  /// Queues that are too short for what goes on.
  @Suite(.enabled(if: FeatureTests.isPermitted)) struct OverflowTests {
    /// Many waits that end at the same moment: each descriptor is another name of one socket.
    private final class Waits {
      let backend: IOUringBackend
      private let peer: CInt
      private let readers: [CInt]
      private let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
      private let operations: UnsafeMutableBufferPointer<KernelOperation>
      private(set) var reports: [KernelOperation.Reference] = []
      var count: Int { operations.count }

      init(descriptors: Int, each: Int, _ settings: Settings) throws {
        backend = try IOUringBackend(settings)
        var ends: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue) | O_CLOEXEC
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        let end = ends[0]
        // High numbers: other tests of this process expect that the lowest ones are theirs.
        readers = [end] + (1..<descriptors).map { _ in fcntl(end, F_DUPFD_CLOEXEC, 1_000) }
        peer = ends[1]
        operations = .allocate(capacity: descriptors * each)
        for index in operations.indices {
          operations.initializeElement(
            at: index, to: KernelOperation(.read(readers[index % descriptors], byte)))
        }
      }

      deinit {
        backend.close()
        for descriptor in readers + [peer] { close(descriptor) }
        operations.deallocate()
        byte.deallocate()
      }

      func start() {
        for index in operations.indices { #expect(!backend.start(reference(index))) }
      }

      /// The place of an operation in the order in which they were started.
      private func index(_ reference: KernelOperation.Reference) -> Int {
        reference.pointer - (operations.baseAddress ?? reference.pointer)
      }

      private func reference(_ index: Int) -> KernelOperation.Reference {
        KernelOperation.Reference(&operations[index])
      }

      /// Of those on one descriptor the first comes first.
      func expectOrder() {
        var last = [Int](repeating: -1, count: readers.count)
        for index in reports.map(index) {
          #expect(index > last[index % readers.count])
          last[index % readers.count] = index
        }
      }

      /// Sends a byte for each.
      func sendToAll() {
        let bytes = [UInt8](repeating: 0, count: count)
        #expect(write(peer, bytes, bytes.count) == bytes.count)
      }

      /// Ends them; not by closing, since a child that is being started may have the peer too.
      func endAll() {
        shutdown(peer, CInt(SHUT_RDWR))
      }

      func cancelAll() {
        for index in operations.indices {
          operations[index].isCancelled = true
          backend.cancel(reference(index))
        }
      }

      func wait(_ limit: WaitLimit) {
        var completed = Completions()
        backend.wait(limit, completed: &completed)
        while let operation = completed.popFirst() { reports.append(operation) }
      }
    }

    /// Each one alone, and everything.
    static let turnedOff: [Features] =
      [[], Features.all.subtracting(.noDrop)]
      + Features.named.map(\.feature).filter {
        $0 != .noDrop
      }

    @Test(arguments: turnedOff)
    func `completions that find no room are reported, each once and in order`(
      without disabled: Features
    ) throws {
      let waits = try Waits(
        descriptors: 400, each: 3, Settings(entries: 4, completionEntries: 8, without: disabled))
      waits.start()
      waits.wait(.poll)
      #expect(waits.reports.isEmpty)
      waits.endAll()
      waits.backend.ring.enter(.poll, now: .kernelNow)
      #expect(waits.backend.ring.hasOverflow)
      while waits.reports.count < waits.count { waits.wait(.forever) }
      waits.wait(.poll)
      #expect(waits.reports.count == waits.count)
      #expect(Set(waits.reports).count == waits.count)
      #expect(waits.reports.allSatisfy { $0.pointer.pointee.result == 0 })
      waits.expectOrder()
    }

    /// Results that are counts take the short way, unlike ends and errors.
    @Test(arguments: turnedOff)
    func `bytes that find no room are reported too`(without disabled: Features) throws {
      let waits = try Waits(
        descriptors: 400, each: 3, Settings(entries: 4, completionEntries: 8, without: disabled))
      waits.start()
      waits.wait(.poll)
      waits.sendToAll()
      while waits.reports.count < waits.count { waits.wait(.forever) }
      waits.wait(.poll)
      #expect(waits.reports.count == waits.count && Set(waits.reports).count == waits.count)
      #expect(waits.reports.allSatisfy { $0.pointer.pointee.result == 1 })
      waits.expectOrder()
    }

    @Test(arguments: turnedOff)
    func `cancellations that find no room arrive, and no one is reported twice`(
      without disabled: Features
    ) throws {
      let waits = try Waits(
        descriptors: 400, each: 2, Settings(entries: 4, completionEntries: 8, without: disabled))
      waits.start()
      waits.wait(.poll)
      waits.cancelAll()
      while waits.reports.count < waits.count { waits.wait(.forever) }
      waits.endAll()
      waits.wait(.poll)
      #expect(waits.reports.count == waits.count)
      #expect(Set(waits.reports).count == waits.count)
      #expect(waits.reports.allSatisfy { $0.pointer.pointee.result == -Int(ECANCELED) })
    }
  }
#endif
