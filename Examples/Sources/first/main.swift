// A coroutine is started like a thread: it runs at once, until it first blocks, and then whoever
// started it goes on. The program ends when every coroutine has.
//
// Try it:  swift run first
// Prints:  12, 56, 34

import Coroutines

func bar(_ number: Int) throws {
  print(number)
  try Coroutine.sleep(0.1)
  print(number + 22)
}

Coroutine(target: bar, args: 12).start()
print(56)
