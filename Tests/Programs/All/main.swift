// Programs that a test runs as child processes: what happens at a program's end, and what ends it.
// The first argument says which.

import CTestSupport
import Coroutines
@preconcurrency import Glibc

setvbuf(stdout, nil, _IOLBF, 0)
// A test runs on a thread that blocks signals, and a child inherits that.
var everySignal = sigset_t()
sigfillset(&everySignal)
sigprocmask(SIG_UNBLOCK, &everySignal, nil)
// One that hangs ends all the same.
alarm(120 * CUnsignedInt(timeScale))

// A sanitizer's own handler would make a segmentation fault an exit code; one test looks at that.
if getenv("COROUTINE_TEST_FAULT_HANDLER") == nil { _ = signal(SIGSEGV, SIG_DFL) }

enum Oops: Error { case atTopLevel, inCoroutine }

switch CommandLine.arguments.dropFirst().first ?? "" {
case "end-waits":
  Coroutine {
    print("worker begins")
    try Coroutine.sleep(0.02)
    print("worker ends")
  }.start()
  print("main ends")

case "dump-on-signal":
  // Whoever started the program may have blocked it.
  var quit = sigset_t()
  sigaddset(&quit, SIGQUIT)
  pthread_sigmask(SIG_UNBLOCK, &quit, nil)
  try Coroutine.dump(onSignal: SIGQUIT)
  let sleeper = Coroutine(name: "sleeper") { try Coroutine.sleep(30) }
  sleeper.start()
  print("ready")
  kill(getpid(), SIGQUIT)
  try Coroutine.sleep(for: .milliseconds(20 * timeScale))
  sleeper.cancel()
  try sleeper.join()
  print("goes on")

case "watchdog":
  try Coroutine.startWatchdog(limit: .milliseconds(20 * timeScale))
  let hog = Coroutine(name: "hog") {
    let end = Instant.now + .milliseconds(200 * timeScale)
    while Instant.now < end {}
  }
  hog.start()
  try hog.join()
  // The end of the program holds the thread too, and longest under a sanitizer.
  Coroutine.stopWatchdog()

case "cancel-in-another-loop":
  let sleeper = Coroutine(name: "mine") { try Coroutine.sleep(30) }
  sleeper.start()
  // What must not be done: the object leaves its thread.
  nonisolated(unsafe) let stolen = sleeper
  onAnotherThread {
    try? Coroutine.run { stolen.cancel() }
  }
  try sleeper.join()

case "daemon-abandoned":
  Coroutine(daemon: true) {
    defer { print("never printed") }
    try Coroutine.sleep(30)
  }.start()
  print("main ends")

case "exit-in-main-waits":
  Coroutine {
    try Coroutine.sleep(0.02)
    print("worker ends")
  }.start()
  exit(3)

case "exit-in-coroutine":
  Coroutine { try Coroutine.sleep(30) }.start()
  Coroutine {
    try Coroutine.sleep(0.01)
    print("exit")
    exit(7)
  }.start()
  try Coroutine.sleep(30)

case "exit-in-thread":
  try Coroutine.sleep(0.001)
  onAnotherThread {
    try? Coroutine.run(on: .epoll) {
      Coroutine { try Coroutine.sleep(30) }.start()
      exit(5)
    }
  }

case "chain-after-end":
  Coroutine {
    try Coroutine.sleep(0.01)
    Coroutine {
      try Coroutine.sleep(0.01)
      print("grandchild ends")
    }.start()
    print("child ends")
  }.start()
  print("main ends")

case "join-main":
  let main = Coroutine.current
  Coroutine {
    try main.join()
    print("main has ended: \(!main.isAlive)")
  }.start()
  print("main ends")

case "deadlock":
  let main = Coroutine.current
  let first = Coroutine(name: "first") { try main.join() }
  first.start()
  do {
    try first.join()
  } catch {
    print(error.code, error.description.contains("first"))
  }

case "deadlock-after-end":
  var second: Coroutine?
  let first = Coroutine(name: "first") {
    try Coroutine.sleep(0.001)
    try second?.join()
  }
  second = Coroutine(name: "second") { try first.join() }
  first.start()
  second?.start()
  print("main ends")

case "error-at-top-level":
  Coroutine { try Coroutine.sleep(0.01) }.start()
  throw Oops.atTopLevel

case "error-in-coroutine":
  Coroutine(name: "worker") { throw Oops.inCoroutine }.start()
  print("main goes on")

case "start-twice":
  let coroutine = Coroutine(name: "worker") {}
  coroutine.start()
  coroutine.start()

case "overflow":
  // The neighbour's stack lies below: without a guard between them this would end well.
  Coroutine { try Coroutine.sleep(30) }.start()
  Coroutine(name: "deep") {
    let bytes = descend(300 << 10)
    print("went \(bytes) bytes down, through the neighbour's stack")
    exit(0)
  }.start()

case "overflow-own-size":
  // ThreadSanitizer has room for 65,536 calls.
  Coroutine(stackSize: 128 << 20) { print(recurse(50_000) != 1) }.start()

case "in-a-task":
  let done = DoneFlag()
  Task.detached {
    func blocking() {
      do { try Coroutine.sleep(0.001) } catch { print(error) }
    }
    blocking()
    done.set()
  }
  done.wait()

case "foreign-loop":
  final class Box: @unchecked Sendable {
    var end: PipeEnd?
  }
  let box = Box()
  let (reader, writer) = try Coroutine.pipe()
  var buffer = [UInt8](repeating: 0, count: 1)
  do { _ = try reader.read(into: &buffer, timeout: .zero) } catch { print(error.code) }
  box.end = reader
  onAnotherThread {
    _ = try? Coroutine.run(on: .epoll) {
      var buffer = [UInt8](repeating: 0, count: 1)
      _ = try box.end?.read(into: &buffer)
    }
  }
  try writer.close()

case "fork":
  Coroutine {
    try Coroutine.sleep(0.05)
    print("worker ends")
  }.start()
  let child = test_fork()
  if child == 0 { exit(0) }
  var status: CInt = 0
  waitpid(child, &status, 0)
  print("child ended with \(status)")

case "denied":
  // What set-up shall fail with.
  let reason = CommandLine.arguments.dropFirst(2).first.flatMap { CInt($0) } ?? EPERM
  guard test_deny_io_uring(reason) == 0 else { fatalError("seccomp: errno \(errno)") }
  do {
    try Coroutine.sleep(0.001)
    print("slept")
  } catch {
    print(error)
  }

case "entering-denied":
  guard test_deny_entering_io_uring(EPERM) == 0 else { fatalError("seccomp: errno \(errno)") }
  do {
    try Coroutine.sleep(0.001)
    print("slept")
  } catch {
    print(error)
  }

case "denied-explicit":
  let reason = CommandLine.arguments.dropFirst(2).first.flatMap { CInt($0) } ?? EPERM
  guard test_deny_io_uring(reason) == 0 else { fatalError("seccomp: errno \(errno)") }
  do {
    #if IOUring
      try Coroutine.run(on: .ioUring) { print("ran") }
    #endif
  } catch {
    print(error)
  }

case "which-backend":
  // A ring is a descriptor, whose name the kernel tells.
  try Coroutine.sleep(0.001)
  var hasRing = false
  for number in 3..<64 {
    var name = [CChar](repeating: 0, count: 64)
    let length = readlink("/proc/self/fd/\(number)", &name, name.count - 1)
    if length > 0, strcmp(name, "anon_inode:[io_uring]") == 0 { hasRing = true }
  }
  print(hasRing ? "io_uring" : "epoll")

case "environment":
  do {
    try Coroutine.sleep(0.001)
    print("slept")
  } catch {
    print(error)
  }

case "descriptor-limit":
  // Three descriptors come while this process may open one more.
  let (left, right) = try Socket.pair()
  let (reader, writer) = try Coroutine.pipe()
  var buffer = [UInt8](repeating: 0, count: 8)
  try Coroutine.sleep(0)
  let copies = Array(repeating: writer.fileDescriptor, count: 3)
  try left.sendMessage("x", control: [.descriptors(copies)])
  let highest = dup(0)
  var limit = rlimit()
  let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  getrlimit(resource, &limit)
  limit.rlim_cur = rlim_t(highest + 1)
  setrlimit(resource, &limit)
  close(highest)
  var message: Socket.Message? = try right.receiveMessage(into: &buffer)
  print(message?.count ?? 0, message?.descriptors.count ?? 0, message?.isControlTruncated ?? false)
  message = nil
  try writer.close()
  print(try reader.read(into: &buffer, timeout: .seconds(10)))

case let name:
  let programs = [
    overflowPrograms, forkPrograms, limitPrograms, lifePrograms, exclusivityPrograms,
    sanitizerPrograms, descriptorPrograms,
  ]
  guard let program = programs.lazy.compactMap({ $0[name] }).first else {
    fatalError("Which program?")
  }
  try program()
}
