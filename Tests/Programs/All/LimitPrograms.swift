import CTestSupport
import Coroutines
import Glibc

/// Limits that are reached: the error says which, and the program goes on.
let limitPrograms: [String: @Sendable () throws -> Void] = [
  "limit-address-space": {
    try reachLimit(ofStacks: 100_000) {
      setLimit(RLIMIT_AS, number(of: "/proc/self/statm", field: 0) * 4096 + 96 << 20)
    }
  },
  "limit-data": {
    try reachLimit(ofStacks: 100_000) {
      setLimit(RLIMIT_DATA, number(of: "/proc/self/statm", field: 5) * 4096 + 96 << 20)
    }
  },
  "limit-own-stacks": {
    try reachLimit(ofStacks: 1000, stackSize: 4 << 20) {
      setLimit(RLIMIT_AS, number(of: "/proc/self/statm", field: 0) * 4096 + 96 << 20)
    }
  },
  // With COROUTINE_STACK_GUARD=mprotect.
  "limit-mappings": {
    try reachLimit(ofStacks: number(of: "/proc/sys/vm/max_map_count", field: 0)) {}
  },
  // The system's setting is the test's business.
  "limit-overcommit": { try reachLimit(ofStacks: 100_000) {} },
  "limit-huge-stack": {
    Coroutine.uncaughtErrorHook = { _, _ in }
    let coroutine = Coroutine(name: "greedy", stackSize: 1 << 60) {}
    coroutine.start()
    print(failure { try coroutine.join() })
  },

  // MARK: Descriptors

  "limit-descriptors": {
    let server = try Coroutine.socket(.inet, .stream)
    try server.bind(to: .inet("127.0.0.1", port: 0))
    try server.listen()
    let client = try Coroutine.socket(.inet, .stream)
    try client.connect(to: try server.localAddress)
    var hoard: [CInt] = []
    setLimit(RLIMIT_NOFILE, 64)
    while case let descriptor = dup(0), descriptor >= 0 { hoard.append(descriptor) }

    print(failure { _ = try Coroutine.pipe() })
    print(failure { _ = try Coroutine.socket(.inet, .stream) })
    print(failure { _ = try Coroutine.socketPair() })
    print(failure { _ = try server.accept() })
    print(failure { _ = try server.accept(timeout: .seconds(10)) })
    print(failure { try Coroutine.signal(SIGUSR1) { _ in } })
    onAnotherThread { print(failure { try Coroutine.run {} }) }
    try Coroutine.sleep(0.001)

    for descriptor in hoard { close(descriptor) }
    let peer = try server.accept(timeout: .seconds(10))
    try client.sendAll("hello")
    var buffer = [UInt8](repeating: 0, count: 8)
    print(try peer.receive(into: &buffer))
    try Coroutine.signal(SIGUSR1) { _ in print("signalled") }
    raise(SIGUSR1)
    try Coroutine.sleep(0.001)
    onAnotherThread { print(failure { try Coroutine.run { try Coroutine.sleep(0.001) } }) }
  },
  "limit-descriptors-at-first": {
    let before = openDescriptors()
    var hoard: [CInt] = []
    setLimit(RLIMIT_NOFILE, 64)
    while case let descriptor = dup(0), descriptor >= 0 { hoard.append(descriptor) }
    print(failure { try Coroutine.sleep(0.001) })
    // One and two descriptors are too few as well, and none of them is lost.
    for _ in 0..<2 {
      close(hoard.removeLast())
      print(failure { try Coroutine.sleep(0.001) })
    }
    for descriptor in hoard { close(descriptor) }
    print(failure { try Coroutine.sleep(0.001) })
    // The thread's loop has those of its backend, and nothing was lost meanwhile.
    print(openDescriptors() - before <= 4)
  },
]

/// Parks coroutines until one gets no stack, lets them end, and does it again with half as many.
private func reachLimit(
  ofStacks most: Int, stackSize: Int? = nil, _ setLimit: () -> Void
) throws {
  try Coroutine.sleep(0.001)
  // The program's own memory is there before.
  var coroutines: [Coroutine] = []
  coroutines.reserveCapacity(most)
  setLimit()
  var failures: [Coroutine] = []
  Coroutine.uncaughtErrorHook = { coroutine, _ in failures.append(coroutine) }
  var started = 0
  for round in 0..<2 {
    var isOver = false
    let gate = Coroutine { while !isOver { try Coroutine.sleep(0.0005) } }
    gate.start()
    var finished = 0
    let count = round == 0 ? most : started / 2
    while coroutines.count < count, failures.isEmpty {
      let coroutine = Coroutine(name: "worker", stackSize: stackSize) {
        try gate.join()
        finished += 1
      }
      coroutine.start()
      coroutines.append(coroutine)
    }
    if round == 0 {
      guard let last = coroutines.popLast(), failures.count == 1 else {
        return print("no failure with \(coroutines.count) stacks")
      }
      print(failure { try last.join() })
      // Stacks leave some address space to the rest of the program.
      let room = malloc(1 << 20)
      print("room for malloc:", room != nil)
      free(room)
      started = coroutines.count
      failures = []
    }
    isOver = true
    for coroutine in coroutines { try coroutine.join() }
    print(finished == coroutines.count, failures.isEmpty, finished > 8)
    coroutines.removeAll(keepingCapacity: true)
  }
}

func failure(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch {
    return "\(error)"
  }
}

private func setLimit(_ resource: __rlimit_resource, _ value: Int) {
  let resource = __rlimit_resource_t(resource.rawValue)
  var limit = rlimit()
  getrlimit(resource, &limit)
  limit.rlim_cur = rlim_t(value)
  if setrlimit(resource, &limit) != 0 { fatalError("setrlimit: errno \(errno)") }
}

/// A number in a file of the kernel's.
func number(of path: String, field: Int) -> Int {
  guard let file = fopen(path, "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 512)
  guard fgets(&line, 512, file) != nil else { return 0 }
  let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let fields = text.split { $0 == " " || $0 == "\n" }
  return field < fields.count ? Int(fields[field]) ?? 0 : 0
}

/// How many descriptors are open.
func openDescriptors() -> Int {
  (0..<1024 as Range<CInt>).count { fcntl($0, F_GETFD) >= 0 }
}
