import CContext
import Coroutines

extension Workload {
  /// The primitive: what it costs to leave one stack and go on on another.
  ///
  /// - `jump`: the registers alone.
  /// - `words`: with a look at the words of the Swift runtime that belong to a coroutine, all of
  ///   which are NULL, as in nearly every switch of the library.
  /// - `set-words`: with one of them set on one side, so that they are put away, and back.
  /// - `scheduler`: two coroutines that hand over to one another by the cheapest call there is.
  ///
  /// The backend has no part in the first two: their ratio shows the machine's noise.
  static let `switch` = Workload(
    name: "switch",
    summary: "from stack to stack: the jump, with the runtime's words, by the scheduler",
    figures: [Figure(name: "", unit: "ns")],
    cases: { _ in
      ["jump", "words", "set-words", "scheduler"].map {
        Case(label: $0, parameters: Parameters(["through": $0]))
      }
    },
    measure: { round in
      switch try round.parameters.text("through") {
      case "jump":
        return [StackPair.measure(round) { $0.hop(count: $1) }]
      case "words":
        return [StackPair.measure(round) { $0.hopWithWords(count: $1) }]
      case "set-words":
        return [StackPair.measure(round) { $0.hopWithWords(count: $1, areSet: true) }]
      case "scheduler":
        return [try nanosecondsPerYield(round, coroutines: 2)]
      case let other:
        throw BenchError("There is no switch '\(other)'.")
      }
    })
}

/// The thread's own stack and another one, on which a loop does nothing but switch back to whoever
/// has switched there.
private struct StackPair {
  private struct Ends {
    let here: UnsafeMutablePointer<coro_context>
    let there: UnsafeMutablePointer<coro_context>
    let words: UnsafeMutablePointer<coro_words>

    /// As if the other one had just switched here.
    var atHere: coro_arrival { coro_arrival(from: there, here: here) }
    var atThere: coro_arrival { coro_arrival(from: here, here: there) }
  }

  private let ends: UnsafeMutablePointer<Ends>

  /// The switches of a round trip, of which there are two, counted each.
  static func measure(_ round: Round, _ hop: (StackPair, Int) -> Void) -> Double {
    let pair = StackPair()
    return round.nanosecondsPerStep(ofExactly: { hop(pair, $0 / 2) })
  }

  private init() {
    let here = UnsafeMutablePointer<coro_context>.allocate(capacity: 1)
    let there = UnsafeMutablePointer<coro_context>.allocate(capacity: 1)
    let words = UnsafeMutablePointer<coro_words>.allocate(capacity: 1)
    here.initialize(to: coro_context())
    there.initialize(to: coro_context())
    words.initialize(to: coro_words())
    // Concurrency's three words have stand-ins of our own, which are looked at in the same way.
    coro_words_reset(words)
    _ = coro_words_find_exclusivity(words)
    ends = .allocate(capacity: 1)
    ends.initialize(to: Ends(here: here, there: there, words: words))
  }

  func hop(count: Int) {
    prepare { argument in
      if let ends = argument?.assumingMemoryBound(to: Ends.self).pointee { StackPair.hop(ends) }
    }
    var arrival = ends.pointee.atHere
    for _ in 0..<count { arrival = coro_context_jump(arrival.here, arrival.from) }
  }

  func hopWithWords(count: Int, areSet: Bool = false) {
    let words = ends.pointee.words
    words.pointee.unused.1 = areSet ? UnsafeMutableRawPointer(words) : nil
    prepare { argument in
      if let ends = argument?.assumingMemoryBound(to: Ends.self).pointee {
        StackPair.hopWithWords(ends)
      }
    }
    var arrival = ends.pointee.atHere
    for _ in 0..<count { arrival = coro_context_switch(arrival.here, arrival.from, words) }
  }

  // The other stack's loops, which are functions of their own, and seem to end some time: in what C
  // calls, and in what has no end, the compiler makes a call of what it is told to inline.

  @inline(never)
  private static func hop(_ ends: Ends) {
    var arrival = ends.atThere
    while let other = arrival.from { arrival = coro_context_jump(arrival.here, other) }
  }

  @inline(never)
  private static func hopWithWords(_ ends: Ends) {
    var arrival = ends.atThere
    while let other = arrival.from {
      arrival = coro_context_switch(arrival.here, other, ends.words)
    }
  }

  /// The stack is left as it is when the counting ends, so each count begins on a new one.
  private func prepare(_ entry: @convention(c) (UnsafeMutableRawPointer?) -> Void) {
    let size = 64 * 1024
    let low = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
    coro_context_make(ends.pointee.there, low, low + size, entry, ends)
  }
}
