import CContext
@testable import CoroutineAPI
import Glibc
import Testing

/// The switch between stacks itself, without a scheduler.
@Suite struct Contexts {
  /// Two stacks that hand the processor to one another, and what the second computes.
  fileprivate struct Pair {
    var here = coro_context()
    var there = coro_context()
    var words = coro_words()
    var sum = 0
    var vector = SIMD8<Float>.zero
    var number = 0.0
    var isOver = false
  }

  private static let stackSize = 256 * 1024

  /// Runs `body` with a pair whose second stack will run `entry`.
  private func withPair(
    _ entry: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void,
    _ body: (UnsafeMutablePointer<Pair>) -> Void
  ) throws {
    let low = try #require(coro_stack_reserve(Self.stackSize))
    let pair = UnsafeMutablePointer<Pair>.allocate(capacity: 1)
    pair.initialize(to: Pair())
    RuntimeLayout.locate(&pair.pointee.words)
    coro_context_adopt_thread(&pair.pointee.here)
    coro_context_make(&pair.pointee.there, low, low + Self.stackSize, entry, pair)
    body(pair)
    pair.deallocate()
    coro_stack_release(low, Self.stackSize)
  }

  @Test func `values in registers survive a hundred thousand switches, on both sides`() throws {
    try withPair({ runSecond($0) }) { pair in
      var sum = 0
      var vector = SIMD8<Float>.zero
      var number = 0.0
      for round in 0..<100_000 {
        sum &+= round
        vector += SIMD8(repeating: 1)
        number += 0.5
        coro_context_switch(&pair.pointee.here, &pair.pointee.there, &pair.pointee.words)
      }
      #expect(sum == 4_999_950_000)
      #expect(vector == SIMD8(repeating: 100_000))
      #expect(number == 50_000)
      pair.pointee.isOver = true
      coro_context_switch(&pair.pointee.here, &pair.pointee.there, &pair.pointee.words)
      #expect(pair.pointee.sum == 2 * 4_999_950_000)
      #expect(pair.pointee.vector == SIMD8(repeating: 300_000))
      #expect(pair.pointee.number == 25_000)
    }
  }

  @Test func `errors pass through frames that switch, on both sides`() throws {
    try withPair({ runThrower($0) }) { pair in
      for round in 1...100 {
        #expect(throws: Thrown(depth: 20)) { try throwFrom(20, pair, fromSecond: false) }
        #expect(pair.pointee.sum >= round)
      }
    }
  }

  @Test func `a defer runs although its frame switched`() throws {
    try withScript { _ in
      var log: [Int] = []
      func descend(_ depth: Int) throws {
        defer { log.append(depth) }
        try Coroutine.sleep()
        guard depth < 20 else { throw Thrown(depth: depth) }
        try descend(depth + 1)
      }
      for _ in 0..<3 { Coroutine { try? descend(0) }.start() }
      #expect(throws: Thrown(depth: 20)) { try descend(0) }
      try Coroutine.sleep(1)
      #expect(log.sorted() == (0...20).flatMap { Array(repeating: $0, count: 4) })
    }
  }

  // MARK: The first frame

  @Test func `the call chain ends at the first frame`() throws {
    try withScript { _ in
      var trace: [UInt] = []
      Coroutine { trace = backtraceHere() }.start()
      #expect((2..<100).contains(trace.count))
      // An unprepared context resumes at the first frame's code.
      var context = coro_context()
      let memory = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 16)
      defer { memory.deallocate() }
      coro_context_make(&context, memory, memory + 4096, { _ in }, nil)
      let firstFrame = UInt(bitPattern: context.resume_address)
      let last = try #require(trace.last { $0 != 0 })
      #expect((firstFrame..<firstFrame + 64).contains(last))
    }
  }

  @Test func `the stack is aligned as calls expect it, and the return tells who switched`() throws {
    try withPair({ argument in
      guard let pair = argument?.assumingMemoryBound(to: Pair.self) else { return }
      // Vectors of 32 bytes are spilled with aligned moves relative to the frame.
      pair.pointee.sum = Int(coro_stack_address() % 16)
      coro_context_switch(&pair.pointee.there, &pair.pointee.here, &pair.pointee.words)
    }) { pair in
      let arrival = coro_context_switch(
        &pair.pointee.here, &pair.pointee.there, &pair.pointee.words)
      #expect(pair.pointee.sum == 0)
      #expect(arrival.from == pair.pointer(to: \.there))
      #expect(arrival.here == pair.pointer(to: \.here))
    }
  }
}

private struct Thrown: Error, Equatable {
  let depth: Int
}

/// What the second stack does: other sums than the first, in the same registers.
private func runSecond(_ argument: UnsafeMutableRawPointer?) {
  guard let pair = argument?.assumingMemoryBound(to: Contexts.Pair.self) else { return }
  var round = 0
  var sum = 0
  var vector = SIMD8<Float>.zero
  var number = 0.0
  while !pair.pointee.isOver {
    sum &+= 2 * round
    round += 1
    vector += SIMD8(repeating: 3)
    number += 0.25
    coro_context_switch(&pair.pointee.there, &pair.pointee.here, &pair.pointee.words)
  }
  pair.pointee.sum = sum
  pair.pointee.vector = vector
  pair.pointee.number = number
  coro_context_switch(&pair.pointee.there, &pair.pointee.here, &pair.pointee.words)
}

private func runThrower(_ argument: UnsafeMutableRawPointer?) {
  guard let pair = argument?.assumingMemoryBound(to: Contexts.Pair.self) else { return }
  while true {
    do {
      try throwFrom(13, pair, fromSecond: true)
    } catch {
      if error.depth == 13 { pair.pointee.sum += 1 }
    }
  }
}

/// Throws from some frames down, and each frame switches on the way in and on the way out.
@inline(never)
private func throwFrom(
  _ depth: Int, _ pair: UnsafeMutablePointer<Contexts.Pair>, fromSecond: Bool, reached: Int = 0
) throws(Thrown) {
  func switchOver() {
    if fromSecond {
      coro_context_switch(&pair.pointee.there, &pair.pointee.here, &pair.pointee.words)
    } else {
      coro_context_switch(&pair.pointee.here, &pair.pointee.there, &pair.pointee.words)
    }
  }
  switchOver()
  defer { switchOver() }
  guard reached < depth else { throw Thrown(depth: reached) }
  try throwFrom(depth, pair, fromSecond: fromSecond, reached: reached + 1)
}

/// The addresses that glibc's unwinder sees from here to the end of the call chain.
@inline(never)
private func backtraceHere() -> [UInt] {
  // <execinfo.h> is not part of Swift's Glibc module.
  typealias Function = @convention(c) (UnsafeMutablePointer<UInt>?, CInt) -> CInt
  guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "backtrace") else { return [] }
  let backtrace = unsafeBitCast(symbol, to: Function.self)
  return Array(unsafeUninitializedCapacity: 256) { buffer, count in
    count = Int(backtrace(buffer.baseAddress, 256))
  }
}
