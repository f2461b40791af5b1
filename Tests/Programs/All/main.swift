// Programs that a test runs as child processes: what happens at a program's end, and what ends it.
// The first argument says which.

import CTestSupport
import Coroutines
@preconcurrency import Glibc

setvbuf(stdout, nil, _IOLBF, 0)

enum Oops: Error { case atTopLevel, inCoroutine }

func recurse(_ depth: Int) -> Int {
  var block = InlineArray<64, Int>(repeating: depth)
  withUnsafeMutableBytes(of: &block) { $0[depth % 512] = 1 }
  return depth == 0 ? block[3] : recurse(depth - 1) &+ block[depth % 64]
}

/// Recurses until the stack is so many bytes deeper; writes to each frame.
func descend(_ bytes: Int, from start: UInt? = nil) -> Int {
  var block = InlineArray<64, Int>(repeating: bytes)
  let here = withUnsafeMutableBytes(of: &block) { UInt(bitPattern: $0.baseAddress) }
  let depth = Int(bitPattern: (start ?? here) &- here)
  return depth >= bytes ? depth : max(descend(bytes, from: start ?? here), block[depth % 64] & 1)
}

switch CommandLine.arguments.dropFirst().first ?? "" {
case "end-waits":
  Coroutine {
    print("worker begins")
    try Coroutine.sleep(0.02)
    print("worker ends")
  }.start()
  print("main ends")

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
  Coroutine(stackSize: 128 << 20) { print(recurse(100_000) != 1) }.start()

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
  guard test_deny_io_uring() == 0 else { fatalError("seccomp: errno \(errno)") }
  do {
    try Coroutine.sleep(0.001)
    print("slept")
  } catch {
    print(error)
  }

case "denied-explicit":
  guard test_deny_io_uring() == 0 else { fatalError("seccomp: errno \(errno)") }
  do {
    #if IOUring
      try Coroutine.run(on: .ioUring) { print("ran") }
    #endif
  } catch {
    print(error)
  }

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

default:
  fatalError("Which program?")
}

/// Lets the main thread wait for another without a loop.
final class DoneFlag: @unchecked Sendable {
  // Safe: the semaphore orders everything.
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  init() { sem_init(semaphore, 0, 0) }
  func set() { sem_post(semaphore) }
  func wait() { sem_wait(semaphore) }
}

func onAnotherThread(_ body: @escaping @Sendable () -> Void) {
  final class Body: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { argument in
      if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().body() }
      return nil
    }, Unmanaged.passRetained(Body(body)).toOpaque())
  pthread_join(thread, nil)
}
