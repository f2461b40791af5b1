import CLinux
import Coroutines

/// What keeps the processor busy beside a server.
enum Computation {
  /// Starts coroutines that compute for a millisecond on the wall, let the others run, and so on,
  /// to the end of the loop.
  static func start(_ count: Int = 10) {
    for _ in 0..<count {
      Coroutine(name: "computation", daemon: true) {
        while true {
          let start = coro_monotonic_ns()
          while coro_monotonic_ns() - start < 1_000_000 {}
          try Coroutine.sleep()
        }
      }.start()
    }
  }
}
