// A program that links no backend: the error says what to add.

import CoroutineAPI

Coroutine { print("a coroutine that never waits needs no backend") }.start()
do {
  try Coroutine.sleep(1)
} catch {
  print(error)
}
