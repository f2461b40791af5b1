import CTestSupport
import Coroutines
@preconcurrency import Glibc

/// Where a seccomp filter answers io_uring_setup with `number`: what the automatic choice does, and
/// what an explicit one says.
func denied(with number: CInt) {
  guard test_deny_io_uring(number) == 0 else { fatalError("seccomp: errno \(errno)") }
  do {
    try Coroutine.run(on: .automatic) { try Coroutine.sleep(for: .milliseconds(1)) }
    print("slept")
    #if IOUring
      try Coroutine.run(on: .ioUring) { print("ran") }
    #endif
  } catch {
    print(error)
  }
}
