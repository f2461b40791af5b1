import CTestSupport
import Coroutines
import Glibc

/// Ends of programs, and numbers that stay flat.
let lifePrograms: [String: @Sendable () throws -> Void] = [
  // MARK: exit

  "exit-in-signal-handler": {
    try workInFlight()
    try Coroutine.signal(SIGUSR1) { _ in
      print("exit")
      exit(11)
    }
    raise(SIGUSR1)
    try Coroutine.sleep(30)
  },
  "exit-in-deinit": {
    final class Last {
      deinit {
        print("exit")
        exit(12)
      }
    }
    try workInFlight()
    Coroutine {
      let last = Last()
      try Coroutine.sleep(0.001)
      withExtendedLifetime(last) {}
    }.start()
    try Coroutine.sleep(30)
  },
  "exit-in-coroutines-deinit": {
    final class Last: Coroutine {
      override func run() throws { try Coroutine.sleep(0.001) }
      deinit {
        print("exit")
        exit(13)
      }
    }
    try workInFlight()
    Last().start()
    try Coroutine.sleep(30)
  },
  "exit-with-work-in-flight": {
    try workInFlight()
    Coroutine {
      try Coroutine.sleep(0.002)
      print("exit")
      exit(14)
    }.start()
    try Coroutine.sleep(30)
  },
  "exit-after-end": {
    // The main coroutine's code is over, and its end waits for the others.
    Coroutine {
      try Coroutine.sleep(0.002)
      print("exit")
      exit(15)
    }.start()
    try workInFlight()
  },
  "exit-in-hook": {
    struct Failure: Error {}
    Coroutine.uncaughtErrorHook = { _, _ in
      print("exit")
      exit(16)
    }
    try workInFlight()
    Coroutine { throw Failure() }.start()
    try Coroutine.sleep(30)
  },
  "exit-in-run": {
    try Coroutine.run {
      try workInFlight()
      print("exit")
      exit(17)
    }
  },
  "exit-in-main-with-daemons": {
    try workInFlight(daemon: true)
    print("exit")
    exit(18)
  },

  "exit-in-foreign-thread": {
    try workInFlight()
    let thread = UnsafeMutablePointer<pthread_t>.allocate(capacity: 1)
    let mainWaits = DoneFlag()
    Coroutine {
      try Coroutine.sleep()
      mainWaits.set()
    }.start()
    startThread(thread) {
      mainWaits.wait()
      print("exit")
      exit(19)
    }
    try Coroutine.sleep(30)
  },

  // MARK: Flat numbers

  "ten-thousand-loops": {
    try runLoops(500)
    let before = (openDescriptors(), residentPages(), mappingCount())
    try runLoops(10_000)
    let after = (openDescriptors(), residentPages(), mappingCount())
    print("descriptors:", after.0 - before.0)
    print("pages are few:", after.1 - before.1 < 512)
    print("mappings are few:", after.2 - before.2 < 16)
    if after.1 - before.1 >= 512 || after.2 - before.2 >= 16 { print(before, after) }
  },
  "deep-recursion": {
    // Pooled stacks, and ones of their own size, which are unmapped.
    try goDeep(count: 128, bytes: 160 << 10, stackSize: nil)
    try goDeep(count: 8, bytes: 16 << 20, stackSize: 24 << 20)
  },

  // MARK: A million

  "million": { try parkAndJoin(Int(CommandLine.arguments[2]) ?? 1000) },
]

/// Starts coroutines with one operation of each kind in flight.
private func workInFlight(daemon: Bool = false) throws {
  let (reader, writer) = try Coroutine.pipe()
  let (left, right) = try Coroutine.socketPair()
  let server = try Coroutine.socket(.inet, .stream)
  try server.bind(to: .inet("127.0.0.1", port: 0))
  try server.listen()
  func start(_ body: @escaping () throws -> Void) { Coroutine(daemon: daemon, body).start() }
  start {
    defer { withExtendedLifetime(writer) {} }
    var buffer = [UInt8](repeating: 0, count: 8)
    _ = try reader.read(into: &buffer)
  }
  start {
    defer { withExtendedLifetime(right) {} }
    try left.sendAll([UInt8](repeating: 0, count: 8 << 20))
  }
  start { _ = try server.accept() }
  start { try Coroutine.sleep(30) }
  start { try Coroutine.main.join() }
}

private func runLoops(_ count: Int) throws {
  for number in 0..<count {
    try Coroutine.run {
      let (reader, writer) = try Coroutine.pipe()
      Coroutine(daemon: true) {
        var buffer = [UInt8](repeating: 0, count: 8)
        _ = try reader.read(into: &buffer)
      }.start()
      if number % 10 == 0 { try Coroutine.signal(SIGUSR1) { _ in } }
      Coroutine { try Coroutine.sleep() }.start()
      try Coroutine.sleep()
      withExtendedLifetime(writer) {}
    }
  }
}

private func goDeep(count: Int, bytes: Int, stackSize: Int?) throws {
  try Coroutine.sleep(0.001)
  let before = residentPages()
  var isOver = false
  let gate = Coroutine { while !isOver { try Coroutine.sleep(0.0005) } }
  gate.start()
  let coroutines = (0..<count).map { _ in
    Coroutine(stackSize: stackSize) {
      _ = descend(bytes)
      try gate.join()
    }
  }
  for coroutine in coroutines { coroutine.start() }
  let during = residentPages()
  isOver = true
  for coroutine in coroutines { try coroutine.join() }
  // Pages go back when the loop has nothing to do.
  let touched = count * bytes / 4096
  // Each stack keeps its two topmost pages, and code was touched too.
  var isGivenBack: Bool { residentPages() - before < touched / 5 }
  let deadline = Instant.now + .seconds(10)
  while !isGivenBack, Instant.now < deadline { try Coroutine.sleep(0.001) }
  print("touched:", during - before > touched * 9 / 10)
  print("given back:", isGivenBack)
  if !isGivenBack { print("\(residentPages() - before) of \(touched) pages are left") }
}

private func parkAndJoin(_ count: Int) throws {
  var isOpen = false
  let gate = Coroutine { while !isOpen { try Coroutine.sleep(0.001) } }
  gate.start()
  var passed = 0
  var coroutines: [Coroutine] = []
  coroutines.reserveCapacity(count)
  let before = residentPages()
  for _ in 0..<count {
    let coroutine = Coroutine {
      try gate.join()
      passed += 1
    }
    coroutine.start()
    coroutines.append(coroutine)
  }
  print("parked:", Coroutine.activeCount - 2, passed)
  let bytes = (residentPages() - before) * 4096 / count
  print("at most 8 KiB each:", bytes <= 8192)
  isOpen = true
  for coroutine in coroutines { try coroutine.join() }
  print("joined:", passed, Coroutine.activeCount)
}

private func residentPages() -> Int { number(of: "/proc/self/statm", field: 1) }

private func mappingCount() -> Int {
  guard let file = fopen("/proc/self/maps", "r") else { return 0 }
  defer { fclose(file) }
  var count = 0
  while case let byte = getc(file), byte != EOF { if byte == 10 { count += 1 } }
  return count
}
