import Coroutines
@preconcurrency import Glibc

// Programs with a mistake that a sanitizer must find, and some with none that it must not invent.

private final class Node {
  var text: [UInt8]
  init(_ size: Int) { text = Array(repeating: 1, count: size) }
}

/// Holds an object in a frame, and `body` runs while it does.
@inline(never)
private func hold(_ depth: Int, _ body: () throws -> Void) throws {
  let node = Node(depth + 100)
  if depth == 0 { try body() } else { try hold(depth - 1, body) }
  withExtendedLifetime(node) {}
}

@inline(never)
private func addressOfLocal() -> UnsafePointer<Int> {
  var local = 7
  return withUnsafePointer(to: &local) { $0 }
}

@inline(never)
private func leak() {
  let lost = UnsafeMutablePointer<Int>.allocate(capacity: 1000)
  lost.initialize(repeating: 1, count: 1000)
}

/// Two loops on two threads that add to one number in turns.
private func race() {
  let number = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  number.initialize(to: 0)
  let address = UInt(bitPattern: number)
  let add: @Sendable () -> Void = {
    try? Coroutine.run(on: .epoll) {
      for _ in 0..<200 {
        UnsafeMutablePointer<Int>(bitPattern: address)?.pointee += 1
        try Coroutine.sleep(for: .microseconds(50))
      }
    }
  }
  var threads = [pthread_t(), pthread_t()]
  for index in threads.indices { startThread(&threads[index], add) }
  for thread in threads { pthread_join(thread, nil) }
  number.deallocate()
}

let sanitizerPrograms: [String: @Sendable () throws -> Void] = [
  "sanitizer-use-after-free": { useAfterFree() },
  "sanitizer-use-after-return": { useAfterReturn() },
  "sanitizer-leak": {
    Coroutine {
      try Coroutine.sleep(0.001)
      leak()
    }.start()
  },
  "sanitizer-leak-parked": {
    // The one who leaked waits for ever, and no longer holds what it lost.
    Coroutine(daemon: true) {
      leak()
      try hold(5) { try Coroutine.sleep(30) }
    }.start()
    try Coroutine.sleep(0.001)
  },
  "sanitizer-parked": { try parked() },
  "sanitizer-parked-main": {
    Coroutine {
      try hold(3) {
        try Coroutine.sleep(0.001)
        exit(0)
      }
    }.start()
    try hold(20) { try Coroutine.sleep(30) }
  },
  "sanitizer-race": { race() },
  "sanitizer-one-loop": { try oneLoop() },
]

private func useAfterFree() {
  Coroutine {
    let number = UnsafeMutablePointer<Int>.allocate(capacity: 10)
    number.initialize(repeating: 3, count: 10)
    number.deallocate()
    try Coroutine.sleep(0.001)
    print(number[5])
  }.start()
}

private func useAfterReturn() {
  Coroutine {
    let number = addressOfLocal()
    try Coroutine.sleep(0.001)
    print(number.pointee)
  }.start()
}

/// Daemons that wait with objects in their frames, on stacks of every kind.
private func parked() throws {
  for (number, size) in [nil, 64 << 10, nil, 1 << 20].enumerated() {
    Coroutine(daemon: true, stackSize: size) {
      try hold(number * 10) { try Coroutine.sleep(30) }
    }.start()
  }
  try Coroutine.sleep(0.001)
}

/// What two loops must not do two coroutines may.
private func oneLoop() throws {
  let number = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  number.initialize(to: 0)
  let coroutines = (0..<100).map { _ in
    Coroutine {
      for _ in 0..<10 {
        number.pointee += 1
        try Coroutine.sleep(for: .microseconds(50))
      }
    }
  }
  for coroutine in coroutines { coroutine.start() }
  for coroutine in coroutines { try coroutine.join() }
  print(number.pointee)
  number.deallocate()
}
