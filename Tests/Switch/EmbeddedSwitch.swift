// The switch, inlined into Swift, for architectures that there is no Swift toolchain for at hand:
// Embedded Swift needs none. See scripts/test-arm64.

import CContext

/// Two stacks that hand the processor to one another, and what the second computes.
struct Pair {
  var here = coro_context()
  var there = coro_context()
  var words = coro_words()
  var sum = 0
  var vector = SIMD4<Float>.zero
  var number = 0.0
  var caught = 0
  var isOver = false
}

typealias PairPointer = UnsafeMutablePointer<Pair>

struct Thrown: Error {
  let depth: Int
}

let stackSize = 256 * 1024
let guardSize = 64 * 1024
nonisolated(unsafe) var failures = 0

func check(_ condition: Bool, _ what: StaticString) {
  if condition { return }
  failures += 1
  print("failed: ", terminator: "")
  print(what)
}

@inline(always)
func toThere(_ pair: PairPointer) {
  coro_context_switch(&pair.pointee.here, &pair.pointee.there, &pair.pointee.words)
}

@inline(always)
func toHere(_ pair: PairPointer) {
  coro_context_switch(&pair.pointee.there, &pair.pointee.here, &pair.pointee.words)
}

/// Runs `body` with a pair whose second stack will run `entry`.
func withPair(
  _ entry: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void,
  _ body: (PairPointer) -> Void
) {
  guard let low = coro_stack_reserve(stackSize), coro_stack_guard(low, guardSize) == 0 else {
    return check(false, "no stack is to be had")
  }
  let pair = PairPointer.allocate(capacity: 1)
  pair.initialize(to: Pair())
  coro_words_reset(&pair.pointee.words)
  coro_context_make(&pair.pointee.there, low + guardSize, low + stackSize, entry, pair)
  body(pair)
  pair.deallocate()
  coro_stack_release(low, stackSize)
}

func pair(_ argument: UnsafeMutableRawPointer?) -> PairPointer {
  guard let argument else { fatalError("no argument") }
  return argument.assumingMemoryBound(to: Pair.self)
}

// MARK: Values in registers

/// Other sums than the first stack's, in the same registers.
func runSecond(_ argument: UnsafeMutableRawPointer?) {
  let pair = pair(argument)
  var round = 0
  var sum = 0
  var vector = SIMD4<Float>.zero
  var number = 0.0
  while !pair.pointee.isOver {
    sum &+= 2 * round
    round += 1
    vector += SIMD4(repeating: 3)
    number += 0.25
    toHere(pair)
  }
  pair.pointee.sum = sum
  pair.pointee.vector = vector
  pair.pointee.number = number
  while true { toHere(pair) }
}

func testValues() {
  withPair({ runSecond($0) }) { pair in
    var sum = 0
    var vector = SIMD4<Float>.zero
    var number = 0.0
    for round in 0..<100_000 {
      sum &+= round
      vector += SIMD4(repeating: 1)
      number += 0.5
      toThere(pair)
    }
    check(sum == 4_999_950_000, "sum")
    check(vector == SIMD4(repeating: 100_000), "vector")
    check(number == 50_000, "number")
    pair.pointee.isOver = true
    toThere(pair)
    check(pair.pointee.sum == 2 * 4_999_950_000, "the other stack's sum")
    check(pair.pointee.vector == SIMD4(repeating: 300_000), "the other stack's vector")
    check(pair.pointee.number == 25_000, "the other stack's number")
  }
}

// MARK: Errors, self and closures

/// Throws from some frames down, and each frame switches on the way in and on the way out.
@inline(never)
func throwFrom(
  _ depth: Int, _ pair: PairPointer, fromSecond: Bool, reached: Int = 0
) throws(Thrown) {
  if fromSecond { toHere(pair) } else { toThere(pair) }
  defer { if fromSecond { toHere(pair) } else { toThere(pair) } }
  guard reached < depth else { throw Thrown(depth: reached) }
  try throwFrom(depth, pair, fromSecond: fromSecond, reached: reached + 1)
}

func runThrower(_ argument: UnsafeMutableRawPointer?) {
  let pair = pair(argument)
  while true {
    do throws(Thrown) {
      try throwFrom(13, pair, fromSecond: true)
    } catch {
      if error.depth == 13 { pair.pointee.caught += 1 }
    }
  }
}

func testErrors() {
  withPair({ runThrower($0) }) { pair in
    var caught = 0
    for _ in 0..<1000 {
      do throws(Thrown) {
        try throwFrom(20, pair, fromSecond: false)
      } catch {
        if error.depth == 20 { caught += 1 }
      }
    }
    check(caught == 1000, "errors of this stack")
    check(pair.pointee.caught > 1000, "errors of the other stack")
  }
}

/// An object whose methods switch: `self` lies in a register that only Swift uses so.
final class Counter {
  var count = 0

  @inline(never)
  func step(_ pair: PairPointer, fromSecond: Bool, _ add: (Int) -> Int) {
    if fromSecond { toHere(pair) } else { toThere(pair) }
    count = add(count)
  }
}

func runCounter(_ argument: UnsafeMutableRawPointer?) {
  let pair = pair(argument)
  let counter = Counter()
  while true {
    counter.step(pair, fromSecond: true) { $0 + 3 }
    pair.pointee.sum = counter.count
  }
}

func testObjects() {
  withPair({ runCounter($0) }) { pair in
    let counter = Counter()
    for number in 0..<1000 {
      counter.step(pair, fromSecond: false) { $0 + number }
    }
    check(counter.count == 499_500, "this stack's object")
    check(pair.pointee.sum == 999 * 3, "the other stack's object")
  }
}

@main
struct Main {
  static func main() {
    testValues()
    testErrors()
    testObjects()
    print("Embedded Swift: ", terminator: "")
    print(failures == 0 ? "passed" : "failed")
    if failures > 0 { fatalError("see above") }
  }
}
