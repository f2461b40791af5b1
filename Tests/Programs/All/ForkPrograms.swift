import CTestSupport
import Coroutines
import Glibc
import SystemPackage

/// What a child made by fork(2) can do, and what it does to its parent: nothing.
let forkPrograms: [String: @Sendable () throws -> Void] = [
  // MARK: Uses that trap

  "fork-sleep": forkAfterSleep { try Coroutine.sleep(0.001) },
  "fork-current": forkAfterSleep { print(Coroutine.current.name) },
  "fork-start": forkAfterSleep { Coroutine {}.start() },
  "fork-join": {
    let worker = Coroutine(name: "worker") { try Coroutine.sleep(0.05) }
    worker.start()
    forkAndWait { try Coroutine.run { try worker.join() } }
    try worker.join()
    print("parent joined")
  },
  "fork-descriptor": {
    let (reader, writer) = try Coroutine.pipe()
    try writer.writeAll("x")
    forkAndWait {
      try Coroutine.run {
        var buffer = [UInt8](repeating: 0, count: 1)
        _ = try reader.read(into: &buffer)
        // The parent has not waited on the reader yet: it is nobody's, and so the child's now.
        print("child reads \(buffer)")
        try writer.writeAll("y")
      }
    }
  },
  "fork-coroutine-ends": {
    Coroutine(name: "forker") {
      try Coroutine.sleep()
      if test_fork() == 0 { return }
      waitForChild()
      print("parent goes on")
    }.start()
  },
  "fork-coroutine-ends-joined": {
    let forker = Coroutine(name: "forker") {
      try Coroutine.sleep()
      if test_fork() == 0 { return }
      waitForChild()
    }
    forker.start()
    try forker.join()
    print("joined")
  },

  // MARK: Uses that work

  "fork-run": {
    try Coroutine.sleep(0.001)
    forkAndWait { try exerciseLoop() }
    try exercise()
  },
  "fork-run-in-coroutine": {
    let forker = Coroutine {
      try Coroutine.sleep(0.001)
      forkAndWait { try exerciseLoop() }
    }
    forker.start()
    try forker.join()
    try exercise()
  },
  "fork-run-on-thread": {
    try Coroutine.sleep(0.001)
    onAnotherThread { forkAndWait { try exerciseLoop() } }
    try exercise()
  },
  "fork-run-in-run": {
    try Coroutine.run {
      Coroutine { try Coroutine.sleep(0.02) }.start()
      forkAndWait { try exerciseLoop() }
      try exercise()
    }
  },
  "fork-twice": {
    try Coroutine.sleep(0.001)
    forkAndWait {
      try exerciseLoop()
      try Coroutine.run {
        try Coroutine.sleep(0.001)
        forkAndWait { try exerciseLoop() }
        try exercise()
      }
    }
    try exercise()
  },
  "fork-adopt": {
    let server = try Coroutine.socket(.inet, .stream)
    try server.bind(to: .inet("127.0.0.1", port: 0))
    try server.listen()
    let address = try server.localAddress
    let child = test_fork()
    if child == 0 {
      try Coroutine.run {
        let mine = try Socket(adopting: server.fileDescriptor.duplicate())
        try mine.accept(timeout: .seconds(10)).sendAll("from the child")
      }
      exit(0)
    }
    let client = try Coroutine.socket(.inet, .stream)
    try client.connect(to: address)
    var buffer = [UInt8](repeating: 0, count: 32)
    let count = try client.receive(into: &buffer)
    print(String(decoding: buffer[..<count], as: UTF8.self))
    waitForChild()
  },
  "fork-body-returns": {
    let isChild = try Coroutine.run { () -> Bool in
      Coroutine { try Coroutine.sleep(0.02) }.start()
      Coroutine(daemon: true) { try Coroutine.sleep(.infinity) }.start()
      let child = test_fork()
      if child > 0 { waitForChild() }
      return child == 0
    }
    print(isChild ? "child returns" : "parent returns")
    if isChild { try exerciseLoop() }
  },
  "fork-exec": {
    try Coroutine.sleep(0.001)
    forkAndWait {
      let command = "ls -l /proc/self/fd | grep -c anon_inode"
      var arguments = ["sh", "-c", command].map { (word: String) in strdup(word) }
      arguments.append(nil)
      execv("/bin/sh", arguments)
    }
    try exercise()
  },

  // MARK: What the child has

  "fork-descriptors": {
    Coroutine.uncaughtErrorHook = { print("\($0.name): \($1)") }
    try Coroutine.signal(SIGUSR1) { _ in }
    let other = LoopOnThread()
    print("parent has some:", anonymousDescriptors().count >= 4)
    forkAndWait { print("child has", anonymousDescriptors()) }
    other.end()
    try exercise()
  },
  "fork-signals": {
    var received = 0
    try Coroutine.signal(SIGUSR1) { _ in received += 1 }
    try Coroutine.signal(SIGUSR2, .ignore)
    let child = test_fork()
    if child == 0 {
      raise(SIGUSR2)
      print("child ignores")
      var action = sigaction()
      sigaction(SIGUSR1, nil, &action)
      print("child has a handler:", action.__sigaction_handler.sa_handler != nil)
      raise(SIGUSR1)
      exit(0)
    }
    waitForChild()
    try Coroutine.sleep(0.005)
    print("parent received", received)
    raise(SIGUSR1)
    try Coroutine.sleep(0.005)
    print("parent received", received)
  },
  "fork-signals-in-child": {
    try Coroutine.signal(SIGUSR1) { _ in print("parent's handler") }
    forkAndWait {
      try Coroutine.run {
        var received = 0
        try Coroutine.signal(SIGUSR1) { _ in received += 1 }
        raise(SIGUSR1)
        while received == 0 { try Coroutine.sleep(0.001) }
        print("child received", received)
      }
    }
    raise(SIGUSR1)
    try Coroutine.sleep(0.005)
  },
  "fork-exit": {
    Coroutine { try Coroutine.sleep(30) }.start()
    forkAndWait { exit(3) }
    forkAndWait {
      try Coroutine.run {
        Coroutine { try Coroutine.sleep(30) }.start()
        exit(4)
      }
    }
    forkAndWait {
      try Coroutine.run {
        Coroutine { exit(5) }.start()
      }
    }
    Coroutine { forkAndWait { exit(6) } }.start()
    onAnotherThread { forkAndWait { exit(7) } }
    _exit(0)
  },

  // MARK: What the parent notices

  "fork-in-flight": {
    // Every operation that was in flight at the fork ends in the parent, and in no other way than
    // without the fork, whatever the child does with its descriptors.
    var pairs: [(Socket, Socket)] = []
    var received: [String] = []
    for number in 0..<20 {
      let pair = try Coroutine.socketPair()
      pairs.append(pair)
      Coroutine {
        var buffer = [UInt8](repeating: 0, count: 8)
        for _ in 0..<2 {
          let count = try pair.0.receive(into: &buffer)
          received.append("\(number): \(String(decoding: buffer[..<count], as: UTF8.self))")
        }
      }.start()
    }
    try Coroutine.sleep(0.001)
    forkAndWait {
      // The last references of the child: each deinit closes the child's descriptor.
      pairs.removeAll()
      try exerciseLoop()
    }
    for word in ["one", "two"] {
      for pair in pairs { try pair.1.sendAll(word) }
      try Coroutine.sleep(0.005)
    }
    while received.count < 40 { try Coroutine.sleep(0.001) }
    print("received", Set(received).count)
  },
]

// MARK: Helpers

/// Forks once a loop and its backend are there.
private func forkAfterSleep(
  _ body: @escaping @Sendable () throws -> Void
) -> @Sendable () throws -> Void {
  {
    try Coroutine.sleep(0.001)
    forkAndWait(body)
    try exercise()
  }
}

/// Runs `body` in a child, waits for its end, and prints how it ended.
func forkAndWait(_ body: () throws -> Void) {
  fflush(nil)
  let child = test_fork()
  if child == 0 {
    alarm(60)
    do { try body() } catch { print("child throws", error) }
    exit(0)
  }
  waitForChild()
}

/// Waits for a child without the loop, and prints how it ended.
func waitForChild() {
  var status: CInt = 0
  while wait(&status) < 0, errno == EINTR {}
  let number = status & 0x7F
  switch number {
  case 0: print("child exits with", status >> 8)
  case SIGTRAP, SIGILL: print("child traps")
  default: print("child ends with signal", number)
  }
}

/// Makes a loop on this thread and uses all of it.
private func exerciseLoop() throws {
  try Coroutine.run { try exercise() }
}

/// Uses all that a loop has.
private func exercise() throws {
  let (reader, writer) = try Coroutine.pipe()
  let (left, right) = try Coroutine.socketPair()
  var log: [String] = []
  let echo = Coroutine {
    var buffer = [UInt8](repeating: 0, count: 16)
    let count = try reader.read(into: &buffer)
    try right.sendAll(buffer[..<count])
  }
  echo.start()
  let timer = Coroutine {
    try Coroutine.sleep(0.002)
    log.append("slept")
  }
  timer.start()
  try Coroutine.sleep(0.001)
  try writer.writeAll("ping")
  var buffer = [UInt8](repeating: 0, count: 16)
  let count = try left.receive(into: &buffer, timeout: .seconds(10))
  try timer.join()
  try echo.join(timeout: .seconds(10))
  print("works:", String(decoding: buffer[..<count], as: UTF8.self), log)
}

/// The process's epoll instances, rings, eventfds and timerfds.
private func anonymousDescriptors() -> [String] {
  var found: [String] = []
  for number in 0..<200 as Range<CInt> {
    var target = [CChar](repeating: 0, count: 128)
    let count = readlink("/proc/self/fd/\(number)", &target, 127)
    guard count > 0 else { continue }
    let name = String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if name.hasPrefix("anon_inode") { found.append(name) }
  }
  return found
}

/// A loop on a thread of its own that waits until it is told to end.
// Safe to call Sendable: the two threads share a pipe's descriptors and nothing else.
private final class LoopOnThread: @unchecked Sendable {
  private let thread: UnsafeMutablePointer<pthread_t> = .allocate(capacity: 1)
  private var ends: [CInt] = [-1, -1]

  init() {
    pipe(&ends)
    let descriptor = FileDescriptor(rawValue: ends[0])
    let isReady = DoneFlag()
    startThread(thread) {
      try? Coroutine.run {
        let end = try PipeEnd(adopting: descriptor)
        var buffer = [UInt8](repeating: 0, count: 1)
        isReady.set()
        _ = try end.read(into: &buffer)
      }
    }
    isReady.wait()
  }

  func end() {
    close(ends[1])
    pthread_join(thread.pointee, nil)
  }
}
