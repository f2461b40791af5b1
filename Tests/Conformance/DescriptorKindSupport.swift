import CLinux
import CoroutineAPI
import Glibc
import SystemPackage
import Testing

// Descriptors of every kind that Linux has, made by plain calls.

/// A terminal's two sides, of which the program's passes bytes on as they are, or edits lines.
func terminal(isRaw: Bool, mode: CInt = 0) throws -> (device: CInt, program: CInt) {
  typealias Open =
    @convention(c) (
      UnsafeMutablePointer<CInt>, UnsafeMutablePointer<CInt>, UnsafeMutablePointer<CChar>?,
      UnsafeMutablePointer<termios>?, UnsafeMutableRawPointer?
    ) -> CInt
  var ends: (CInt, CInt) = (-1, -1)
  try #require(function("openpty", as: Open.self)(&ends.0, &ends.1, nil, nil, nil) == 0)
  if isRaw {
    var settings = termios()
    tcgetattr(ends.1, &settings)
    cfmakeraw(&settings)
    tcsetattr(ends.1, TCSANOW, &settings)
  }
  for end in [ends.0, ends.1] { _ = fcntl(end, F_SETFL, statusFlags(end) | mode) }
  return ends
}

/// Has the device's side say before each read what follows (ioctl_tty(2), TIOCPKT).
func setPacketMode(_ device: CInt) -> CInt {
  typealias Control = @convention(c) (CInt, CUnsignedLong, UnsafeMutablePointer<CInt>) -> CInt
  var isOn: CInt = 1
  return function("ioctl", as: Control.self)(device, 0x5420, &isOn)
}

/// O_PATH, which Swift's module doesn't show.
let pathOnly: CInt = 0o10_000_000

/// A timer that expires once, so much later.
func timer(_ delay: Duration, mode: CInt = 0) -> CInt {
  let descriptor = timerfd_create(CLOCK_MONOTONIC, CInt(TFD_CLOEXEC) | mode)
  setTimer(descriptor, delay)
  return descriptor
}

func setTimer(_ descriptor: CInt, _ delay: Duration) {
  var setting = itimerspec()
  setting.it_value.tv_sec = Int(delay.components.seconds)
  setting.it_value.tv_nsec = Int(delay.components.attoseconds / 1_000_000_000)
  timerfd_settime(descriptor, 0, &setting, nil)
}

/// A descriptor for a signal that the calling thread blocks meanwhile.
func withSignalDescriptor(
  _ number: CInt, mode: CInt = 0, _ body: (CInt) throws -> Void
) throws {
  typealias Make = @convention(c) (CInt, UnsafePointer<sigset_t>, CInt) -> CInt
  var signals = sigset_t()
  var before = sigset_t()
  sigemptyset(&signals)
  sigaddset(&signals, number)
  pthread_sigmask(SIG_BLOCK, &signals, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
  let descriptor = function("signalfd", as: Make.self)(-1, &signals, mode | O_CLOEXEC)
  try #require(descriptor >= 0)
  defer { close(descriptor) }
  try body(descriptor)
}

/// A descriptor for a process.
func processDescriptor(_ process: pid_t) throws -> CInt {
  typealias Open = @convention(c) (pid_t, CUnsignedInt) -> CInt
  let descriptor = function("pidfd_open", as: Open.self)(process, 0)
  try #require(descriptor >= 0)
  return descriptor
}

/// A descriptor that tells of files that come into a directory.
func watch(_ directory: String, mode: CInt = 0) throws -> CInt {
  let descriptor = inotify_init1(O_CLOEXEC | mode)
  try #require(inotify_add_watch(descriptor, directory, UInt32(IN_CREATE)) >= 0)
  return descriptor
}

extension FileDescriptor {
  /// The descriptor with this number.
  init(_ number: CInt) {
    self.init(rawValue: number)
  }
}

extension PipeEnd {
  /// Reads once, at most so many bytes.
  func readBytes(_ count: Int, timeout: Duration? = nil) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: count)
    // In two steps, and not by slicing: in release builds the compiler (6.3) lets the array go
    // before it copies, where nobody uses the result.
    let received = try read(into: &buffer, timeout: timeout)
    buffer.removeLast(count - received)
    return buffer
  }
}

/// Two connected sockets, the first of which has a number that was freed.
///
/// Lower numbers may have become free meanwhile; they are taken until the pair is made.
func socketPair(at number: CInt) throws -> (Socket, Socket) {
  var others: [(Socket, Socket)] = []
  while true {
    let (left, right) = try Coroutine.socketPair()
    if left.number == number { return (left, right) }
    if right.number == number { return (right, left) }
    others.append((left, right))
    try #require(others.count < 1000, "\(number) is not free")
  }
}

/// Gives an open file another number, which is free.
func move(_ descriptor: CInt, to number: CInt) {
  if descriptor == number { return }
  #expect(dup2(descriptor, number) == number)
  Glibc.close(descriptor)
}
