import Glibc

/// CPU time in nanoseconds: user and kernel, of all threads of this process.
///
/// Unlike time on the wall it leaves out what other programs took.
package enum ProcessorTime {
  package static var now: Int64 { nanoseconds(CLOCK_PROCESS_CPUTIME_ID) }
}

/// Time on the wall in nanoseconds, from some point on.
package enum WallTime {
  package static var now: Int64 { nanoseconds(CLOCK_MONOTONIC) }
}

private func nanoseconds(_ clock: clockid_t) -> Int64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

extension Duration {
  package var nanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}
