import CTestSupport
import Coroutines
@preconcurrency import Glibc
import Synchronization

/// What the loop's handlers hear, by the index of its counter.
private let heardByLoop = [SIGUSR1, SIGCHLD, test_realtime_signal(3)]
/// Handled by functions that something other than the library installed, without SA_RESTART: these
/// make the kernel's calls end with EINTR.
private let foreign = [SIGUSR2, test_realtime_signal(4)]

private let sent0 = Atomic(0)
private let sent1 = Atomic(0)
private let sent2 = Atomic(0)
private let foreignCount = Atomic(0)
/// Posted when the loop has heard a signal.
///
/// Safe: a semaphore is for several threads.
private nonisolated(unsafe) let loopHeard: UnsafeMutablePointer<sem_t> = {
  let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  sem_init(semaphore, 0, 0)
  return semaphore
}()
private let isOver = Atomic(false)

private func counter(_ index: Int, _ change: Int) -> Int {
  switch index {
  case 0: sent0.add(change, ordering: .sequentiallyConsistent).newValue
  case 1: sent1.add(change, ordering: .sequentiallyConsistent).newValue
  default: sent2.add(change, ordering: .sequentiallyConsistent).newValue
  }
}

/// Floods the process with signals while its coroutines send, receive and sleep.
///
/// Ends with an error if one call fails or a byte is wrong, or if a signal stays unheard: of those
/// that were sent before a handler began, each has been heard with it or before.
func storm(milliseconds: UInt32) {
  // Who started this program may have blocked signals, and masks are inherited.
  var none = sigset_t()
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, nil)
  for number in foreign { handleAbruptly(number) }
  let main = pthread_self()
  var runs = [0, 0, 0]
  var rounds = 0
  do {
    try Coroutine.run(on: .automatic) {
      var seen = [0, 0, 0]
      for (index, number) in heardByLoop.enumerated() {
        try Coroutine.signal(number) { heard in
          guard heard == number else { fatalError("\(heard) was heard as \(number)") }
          seen[index] = max(seen[index], counter(index, 0))
          runs[index] += 1
          sem_post(loopHeard)
        }
      }
      let sender = startSending(to: main, microseconds: milliseconds * 1_000)
      rounds = try load()
      pthread_join(sender, nil)
      let deadline = Instant.now + .seconds(5)
      while (0..<3).contains(where: { seen[$0] != counter($0, 0) }) {
        guard Instant.now < deadline else { fatalError("unheard: \(seen) of \(total)") }
        try Coroutine.sleep(for: .milliseconds(1))
      }
    }
  } catch {
    fatalError("\(error)")
  }
  let interruptions = foreignCount.load(ordering: .relaxed)
  print("sent \(total.reduce(0, +)), handlers ran \(runs), interruptions \(interruptions)")
  print("rounds \(rounds), nothing lost")
}

private var total: [Int] { (0..<3).map { counter($0, 0) } }

private func handleAbruptly(_ number: CInt) {
  var action = sigaction()
  action.__sigaction_handler.sa_handler = { _ in
    foreignCount.add(1, ordering: .relaxed)
  }
  sigaction(number, &action, nil)
}

// MARK: The sender

private struct Sending {
  let main: pthread_t
  let microseconds: UInt32
}

private func startSending(to main: pthread_t, microseconds: UInt32) -> pthread_t {
  let argument = UnsafeMutablePointer<Sending>.allocate(capacity: 1)
  argument.initialize(to: Sending(main: main, microseconds: microseconds))
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      let sending = argument.assumingMemoryBound(to: Sending.self).move()
      argument.deallocate()
      send(sending)
      return nil
    }, argument)
  return thread
}

private func send(_ sending: Sending) {
  let end = Instant.now + .microseconds(Int64(sending.microseconds))
  var turn = 0
  while Instant.now < end {
    turn += 1
    let index = turn % 3
    // Counted first: whoever hears it must find it counted. It does not count if the kernel's queue
    // of real-time signals was full.
    _ = counter(index, 1)
    if deliver(heardByLoop[index], turn, sending) != 0 { _ = counter(index, -1) }
    _ = deliver(foreign[turn % 2], turn, sending)
    // In bursts, between which the loop works: what was sent just now is heard.
    if turn % 512 == 0 {
      while sem_wait(loopHeard) != 0 {}
      while sem_trywait(loopHeard) == 0 {}
    }
  }
  isOver.store(true, ordering: .sequentiallyConsistent)
}

/// To the process, of which the kernel picks a thread, or to the loop's thread.
private func deliver(_ number: CInt, _ turn: Int, _ sending: Sending) -> CInt {
  turn / 6 % 2 == 0 ? kill(getpid(), number) : pthread_kill(sending.main, number)
}

// MARK: The load

/// Keeps coroutines busy until the sender is done.
///
/// - Returns: How many rounds they made.
private func load() throws -> Int {
  var rounds = 0
  let listener = try Coroutine.socket(.inet, .stream)
  try listener.bind(to: .inet("127.0.0.1", port: 0))
  try listener.listen()
  let address = try listener.localAddress
  Coroutine(name: "acceptor", daemon: true) {
    while true { try serve(try listener.accept()) }
  }.start()
  let workers = (0..<16).map { number in
    Coroutine(name: "worker-\(number)") {
      do {
        while !isOver.load(ordering: .relaxed) {
          if number % 4 == 0 { try sleepAndPipe() } else { try talk(with: address) }
          rounds += 1
        }
      } catch {
        fatalError("\(error)")
      }
    }
  }
  for worker in workers { worker.start() }
  for worker in workers {
    while try !worker.join(timeout: .milliseconds(5)) {}
  }
  return rounds
}

private func serve(_ peer: Socket) throws {
  Coroutine(name: "echo", daemon: true) {
    do {
      var buffer = [UInt8](repeating: 0, count: 4_096)
      while case let count = try peer.receive(into: &buffer), count > 0 {
        try peer.sendAll(buffer[..<count])
      }
    } catch let error as CoroutineError where error.code == .cancelled {
    } catch {
      fatalError("\(error)")
    }
  }.start()
}

private func talk(with address: Socket.Address) throws {
  let socket = try Coroutine.socket(.inet, .stream)
  try socket.connect(to: address)
  let bytes = pattern(20_000)
  var buffer = [UInt8](repeating: 0, count: 8_192)
  for _ in 0..<4 {
    try socket.sendAll(bytes)
    var received: [UInt8] = []
    while received.count < bytes.count {
      let count = try socket.receive(into: &buffer, timeout: .seconds(20))
      guard count > 0 else { fatalError("the end came early") }
      received += buffer[..<count]
    }
    guard received == bytes else { fatalError("other bytes came than were sent") }
  }
  try socket.close()
}

private func sleepAndPipe() throws {
  let start = Instant.now
  try Coroutine.sleep(for: .milliseconds(2))
  guard Instant.now - start >= .milliseconds(2) else { fatalError("a sleep ended early") }
  let (reader, writer) = try Coroutine.pipe()
  let bytes = pattern(100_000)
  let sender = Coroutine {
    do {
      try writer.writeAll(bytes)
      try writer.close()
    } catch {
      fatalError("\(error)")
    }
  }
  sender.start()
  var received: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 8_192)
  while case let count = try reader.read(into: &buffer), count > 0 { received += buffer[..<count] }
  guard received == bytes else { fatalError("other bytes came than were written") }
  try reader.close()
  try sender.join()
}
