/// Refuses a bare `sleep(1)`: Glibc's would block the thread with every coroutine on it.
///
/// This declaration makes the call ambiguous, so that it does not compile. Write
/// `Coroutine.sleep(1)`, or `Glibc.sleep(1)` to block the thread on purpose.
@available(*, deprecated, message: "it would block the whole thread; use Coroutine.sleep")
public func sleep(_ seconds: UInt32) -> UInt32 {
  fatalError("A bare sleep(\(seconds)) would block the whole thread; use Coroutine.sleep.")
}
