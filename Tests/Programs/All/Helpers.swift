import CTestSupport
import Glibc

func recurse(_ depth: Int) -> Int {
  var block = InlineArray<64, Int>(repeating: depth)
  withUnsafeMutableBytes(of: &block) { $0[depth % 512] = 1 }
  return depth == 0 ? block[3] : recurse(depth - 1) &+ block[depth % 64]
}

/// Recurses until the stack is so many bytes deeper; writes to each frame.
func descend(_ bytes: Int, from start: UInt? = nil) -> Int {
  var block = InlineArray<64, Int>(repeating: bytes)
  block[abs(bytes % 64)] &+= 1
  let here = UInt(test_stack_address())
  let depth = Int(bitPattern: (start ?? here) &- here)
  return depth >= bytes ? depth : max(descend(bytes, from: start ?? here), block[depth % 64] & 1)
}

/// Lets the main thread wait for another without a loop.
final class DoneFlag: @unchecked Sendable {
  // Safe: the semaphore orders everything.
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  init() { sem_init(semaphore, 0, 0) }
  deinit { semaphore.deallocate() }
  func set() { sem_post(semaphore) }
  func wait() { sem_wait(semaphore) }
}

func onAnotherThread(_ body: @escaping @Sendable () -> Void) {
  var thread = pthread_t()
  startThread(&thread, body)
  pthread_join(thread, nil)
}

func startThread(_ thread: UnsafeMutablePointer<pthread_t>, _ body: @escaping @Sendable () -> Void)
{
  final class Body: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  pthread_create(
    thread, nil,
    { argument in
      if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().body() }
      return nil
    }, Unmanaged.passRetained(Body(body)).toOpaque())
}

/// What short times are multiplied by, for machines that are slow, as emulated ones are.
let timeScale = getenv("COROUTINE_TIME_SCALE").flatMap { Int(String(cString: $0)) } ?? 1
