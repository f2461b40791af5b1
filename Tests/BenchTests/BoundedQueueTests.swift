import Coroutines
import Testing

@testable import coro_bench

@Suite struct BoundedQueueTests {
  @Test func `elements come out in the order in which they went in`() throws {
    try Coroutine.run {
      let queue = BoundedQueue<Int>(capacity: 3)
      var taken: [Int] = []
      let taker = Coroutine { while let element = try queue.take() { taken.append(element) } }
      taker.start()
      for element in 0..<10 { #expect(try queue.put(element)) }
      queue.close()
      try taker.join()
      #expect(taken == Array(0..<10))
    }
  }

  @Test func `whoever puts waits for room`() throws {
    try Coroutine.run {
      let queue = BoundedQueue<Int>(capacity: 2)
      var log: [String] = []
      let putter = Coroutine {
        for element in 0..<4 {
          _ = try queue.put(element)
          log.append("put \(element)")
        }
        queue.close()
      }
      putter.start()
      #expect(log == ["put 0", "put 1"])
      while let element = try queue.take() {
        log.append("take \(element)")
        try Coroutine.sleep()
      }
      #expect(
        log == [
          "put 0", "put 1", "take 0", "put 2", "take 1", "put 3", "take 2", "take 3",
        ])
    }
  }

  @Test func `closing ends both waits, and what is there can be taken`() throws {
    try Coroutine.run {
      let queue = BoundedQueue<Int>(capacity: 1)
      #expect(try queue.put(1))
      var tookMore = true
      let putter = Coroutine { tookMore = try queue.put(2) }
      putter.start()
      queue.close()
      try putter.join()
      #expect(!tookMore)
      #expect(try queue.take() == 1)
      #expect(try queue.take() == nil)

      let empty = BoundedQueue<Int>(capacity: 1)
      var found: Int? = 0
      let taker = Coroutine { found = try empty.take() }
      taker.start()
      empty.close()
      try taker.join()
      #expect(found == nil)
    }
  }

  @Test func `whoever waits can be cancelled`() throws {
    try Coroutine.run {
      let queue = BoundedQueue<Int>(capacity: 1)
      var code: CoroutineError.Code?
      let taker = Coroutine {
        do throws(CoroutineError) { _ = try queue.take() } catch { code = error.code }
      }
      taker.start()
      taker.cancel()
      try taker.join()
      #expect(code == .cancelled)
      // Nobody is woken who waits no more.
      #expect(try queue.put(1))
      #expect(try queue.take() == 1)
    }
  }
}
