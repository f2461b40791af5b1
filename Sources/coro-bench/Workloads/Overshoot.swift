import CLinux
import Coroutines

extension Workload {
  /// How late a timer is where nothing else is to be done.
  static let overshoot = Workload(
    name: "overshoot",
    summary: "how much later than asked a sleep of 1 ms ends, on an idle loop",
    figures: [Figure(name: "p50", unit: "µs"), Figure(name: "p99", unit: "µs")],
    cases: { _ in [Case(label: "1 ms", parameters: Parameters())] },
    measure: { round in
      try Coroutine.run(on: round.backend.choice) {
        try round.latencies {
          let start = coro_monotonic_ns()
          try Coroutine.sleep(for: .milliseconds(1))
          return coro_monotonic_ns() - start - 1_000_000
        }
      }
    })
}
