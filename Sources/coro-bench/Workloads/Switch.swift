import CContext
import Coroutines

extension Workload {
  /// The primitive: what it costs to leave one stack and go on on another.
  ///
  /// - `jump`: the registers alone.
  /// - `words`: with a look at the words of the Swift runtime that belong to a coroutine, all of
  ///   which are NULL, as in nearly every switch of the library.
  /// - `set-words`: with one of them set on one side, so that they are exchanged.
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

/// The thread's own stack and another one, on which a loop does nothing but switch back.
private struct StackPair {
  private struct State {
    var here = coro_context()
    var there = coro_context()
    var words = coro_words()
  }

  private let state: UnsafeMutablePointer<State>

  /// The switches of a round trip, of which there are two, counted each.
  static func measure(_ round: Round, _ hop: (StackPair, Int) -> Void) -> Double {
    let pair = StackPair()
    return round.nanosecondsPerStep(ofExactly: { hop(pair, $0 / 2) })
  }

  private init() {
    state = .allocate(capacity: 1)
    state.initialize(to: State())
    // Concurrency's three words have stand-ins of our own, which are looked at in the same way.
    coro_words_reset(&state.pointee.words)
    _ = coro_words_find_exclusivity(&state.pointee.words)
  }

  func hop(count: Int) {
    prepare { argument in
      guard let state = argument?.assumingMemoryBound(to: State.self) else { return }
      while true { coro_context_jump(&state.pointee.there, &state.pointee.here) }
    }
    for _ in 0..<count { coro_context_jump(&state.pointee.here, &state.pointee.there) }
  }

  func hopWithWords(count: Int, areSet: Bool = false) {
    state.pointee.words.unused.1 = areSet ? UnsafeMutableRawPointer(state) : nil
    prepare { argument in
      guard let state = argument?.assumingMemoryBound(to: State.self) else { return }
      while true {
        coro_context_switch(&state.pointee.there, &state.pointee.here, &state.pointee.words)
      }
    }
    for _ in 0..<count {
      coro_context_switch(&state.pointee.here, &state.pointee.there, &state.pointee.words)
    }
  }

  /// The stack is left as it is when the counting ends, so each count begins on a new one.
  private func prepare(_ entry: @convention(c) (UnsafeMutableRawPointer?) -> Void) {
    let size = 64 * 1024
    let low = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
    coro_context_make(&state.pointee.there, low, low + size, entry, state)
  }
}
