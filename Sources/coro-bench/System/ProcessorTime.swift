import CLinux

/// CPU time in nanoseconds, of all threads of a process and of the kernel on their behalf.
///
/// The sum that getrusage(2) tells in microseconds. Unlike time on the wall it leaves out what other
/// programs took, so that figures hold on a machine that is not idle.
enum ProcessorTime {
  /// Of this process.
  static var now: Int64 { read(CLOCK_PROCESS_CPUTIME_ID) ?? 0 }

  /// Of another process, whatever it is written in.
  static func of(process: pid_t) throws -> Int64 {
    var clock = clockid_t()
    let reason = clock_getcpuclockid(process, &clock)
    guard reason == 0, let time = read(clock) else {
      throw BenchError("The CPU time of process \(process) can't be read.")
    }
    return time
  }

  private static func read(_ clock: clockid_t) -> Int64? {
    var time = timespec()
    guard clock_gettime(clock, &time) == 0 else { return nil }
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

extension Duration {
  var nanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}
