import CTestSupport
import Coroutines
import Glibc

/// Stack overflows, and faults that are none.
let overflowPrograms: [String: @Sendable () throws -> Void] = [
  "overflow-named": { Coroutine(name: "deep digger") { overflow() }.start() },
  "overflow-unnamed": {
    let coroutine = Coroutine { overflow() }
    print(coroutine.name)
    coroutine.start()
  },
  "overflow-of-own-size": { Coroutine(name: "wide", stackSize: 1 << 20) { overflow() }.start() },
  "overflow-on-thread": {
    onAnotherThread {
      try? Coroutine.run { Coroutine(name: "aside") { overflow() }.start() }
    }
  },
  "overflow-of-thread": { onAnotherThread { try? Coroutine.run { overflow() } } },
  "overflow-of-main": {
    Coroutine {}.start()
    overflow()
  },
  "overflow-after-switches": {
    // Who overflows is who runs, not who ran last or was started last.
    let others = (0..<4).map { _ in Coroutine { while true { try Coroutine.sleep(0.001) } } }
    for other in others { other.start() }
    Coroutine(name: "third") {
      try Coroutine.sleep(0.005)
      overflow()
    }.start()
    Coroutine { while true { try Coroutine.sleep(0.001) } }.start()
  },
  "overflow-large-frames": { Coroutine(name: "frames") { _ = descendInLargeFrames(0) }.start() },
  "overflow-in-child": {
    Coroutine {}.start()
    forkAndWait {
      try Coroutine.run { Coroutine(name: "child's") { overflow() }.start() }
    }
  },

  // MARK: Handlers that were there before

  "overflow-handler": {
    handleFaults(flags: SA_ONSTACK)
    Coroutine(name: "deep") { overflow() }.start()
  },
  "overflow-handler-with-information": {
    handleFaults(flags: SA_ONSTACK | SA_SIGINFO)
    Coroutine(name: "deep") { overflow() }.start()
  },
  "overflow-handler-later": {
    Coroutine {}.start()
    handleFaults(flags: SA_ONSTACK | SA_SIGINFO)
    Coroutine(name: "deep") { overflow() }.start()
  },
  "overflow-handler-once": {
    test_on_fault_print_and_return(CInt(bitPattern: SA_RESETHAND))
    Coroutine(name: "deep") { overflow() }.start()
  },
  "fault-repaired": {
    // A handler that makes the memory accessible and returns, as garbage collectors do.
    let page = test_on_fault_repair()
    Coroutine {
      for _ in 0..<3 {
        mprotect(page, 4096, PROT_NONE)
        page?.storeBytes(of: 7, as: UInt8.self)
        print(page?.load(as: UInt8.self) ?? 0)
      }
    }.start()
  },
  "fault-null": {
    Coroutine {
      let nowhere = UnsafeMutablePointer<Int>(bitPattern: getpid() < 0 ? 4096 : 8)
      nowhere?.pointee = 1
    }.start()
  },
  "fault-sent": { Coroutine { raise(SIGSEGV) }.start() },
  "fault-sent-ignored": {
    Glibc.signal(SIGSEGV, SIG_IGN)
    Coroutine {
      raise(SIGSEGV)
      print("ignored")
    }.start()
  },

  // MARK: The alternate signal stack

  "signal-stack": {
    print("before: \(signalStackSize)")
    try Coroutine.run { print("inside: \(signalStackSize >= 65_536)") }
    print("after: \(signalStackSize)")
    let own = UnsafeMutableRawPointer.allocate(byteCount: 100_000, alignment: 16)
    var stack = stack_t(ss_sp: own, ss_flags: 0, ss_size: 100_000)
    sigaltstack(&stack, nil)
    try Coroutine.run { print("own inside: \(signalStackSize)") }
    print("own after: \(signalStackSize)")
  },
]

private var signalStackSize: Int {
  var stack = stack_t()
  sigaltstack(nil, &stack)
  return stack.ss_flags & CInt(SS_DISABLE) != 0 ? 0 : stack.ss_size
}

private func handleFaults(flags: CInt) {
  test_on_fault_print_and_exit(flags)
}

/// Recurses until something stops it.
private func overflow() {
  print(descend(1 << 40))
}

/// Recurses in frames a little smaller than the guard, each touched at one end only.
@inline(never)
private func descendInLargeFrames(_ depth: Int) -> Int {
  var block = InlineArray<7_600, Int>(repeating: depth)
  block[depth % 8] = depth
  guard depth < 1_000_000 else { return 0 }
  let below = descendInLargeFrames(depth + 1)
  return below &+ block[depth % 7_600]
}
