#if IOUring
  import CoroutineAPI
  import Testing

  @testable import BackendIOUring

  /// When what is written is handed to the kernel by a call of its own, and not by the ring.
  @Suite(.enabled(if: (try? IOUringBackend()) != nil)) struct Busy {
    private let backend: IOUringBackend

    init() throws { backend = try IOUringBackend() }

    private func look(at microseconds: Int64) -> Bool {
      backend.noteHowBusy(.poll, Instant(nanoseconds: microseconds * 1000))
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

    @Test func `the time that nobody could run is not counted`() {
      #expect(!look(at: 1000))
      backend.noteHowBusy(.forever, Instant(nanoseconds: 0))
      #expect(!look(at: 9000))
      #expect(look(at: 9500))
      backend.noteHowBusy(.until(Instant(nanoseconds: 0)), Instant(nanoseconds: 0))
      #expect(!backend.isBusy)
      backend.close()
    }
  }
#endif
