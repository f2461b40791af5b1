// A signal's handler runs in a coroutine of its own, so it may sleep, join, or do I/O, while the
// main coroutine goes on with its loop.
//
// Try it:  swift run signals, then press Ctrl-C

import Coroutines
@preconcurrency import Glibc

setvbuf(stdout, nil, _IOLBF, 0)  // Lines appear at once, into a pipe too.

var isRunning = true

try Coroutine.signal(SIGINT) { number in
  print("signal \(number): closing down")
  try Coroutine.sleep(0.5)
  print("closed down")
  isRunning = false
}

print("press Ctrl-C")
while isRunning {
  try Coroutine.sleep(0.2)
}
print("bye")
