import CoroutineAPI
import Testing

extension Conformance {
  /// `Coroutine.sleep`, after Python's `time.sleep`.
  @Suite struct Sleeping {
    @Test(arguments: BackendUnderTest.selected)
    func `wakes in the order of the deadlines`(on backend: BackendUnderTest) throws {
      try backend.run {
        var log: [Int] = []
        for number in [3, 1, 2] {
          Coroutine {
            try Coroutine.sleep(for: .milliseconds(number * 3))
            log.append(number)
          }.start()
        }
        try Coroutine.sleep(for: .milliseconds(12))
        #expect(log == [1, 2, 3])
      }
    }
  }
}
