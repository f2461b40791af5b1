import CLinux
import Coroutines
import Glibc
import SystemPackage

/// Threads that serve connections beside the main one, each with a loop and a listener of its own.
///
/// A signal is for one loop, that of the main thread. It tells the others by closing its end of a
/// pipe: each of them has a coroutine that waits for that at the other end.
struct ServerThreads {
  private let stopping: (read: CInt, write: CInt)
  private var threads: [pthread_t] = []

  init() throws {
    var ends: [CInt] = [-1, -1]
    guard coro_pipe2(&ends, O_CLOEXEC) == 0 else { throw BenchError("No pipe is to be had.") }
    stopping = (ends[0], ends[1])
  }

  /// Starts one that serves who comes to the listener, which it owns from now on.
  mutating func start(
    _ service: ConnectionService, _ listener: FileDescriptor, on backend: BackendChoice
  ) throws {
    let end = FileDescriptor(rawValue: stopping.read)
    let body = ThreadBody {
      do {
        try Self.serve(service, listener, on: backend, until: end)
      } catch {
        // A server that lacks a thread would be measured as if it had it.
        StandardError.write("A thread of the server has failed: \(error)\n")
        _exit(EXIT_FAILURE)
      }
    }
    var thread = pthread_t()
    let reason = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().perform()
        return nil
      }, Unmanaged.passRetained(body).toOpaque())
    guard reason == 0 else { throw BenchError("No thread is to be had: errno \(reason).") }
    threads.append(thread)
  }

  /// Ends all of them, and blocks until they have ended.
  func stop() {
    close(stopping.write)
    for thread in threads { pthread_join(thread, nil) }
    close(stopping.read)
  }

  private static func serve(
    _ service: ConnectionService, _ listener: FileDescriptor, on backend: BackendChoice,
    until end: FileDescriptor
  ) throws {
    try Coroutine.run(on: backend) {
      let server = try ConnectionServer(service, Socket(adopting: listener))
      Coroutine(name: "stop", daemon: true) {
        try Coroutine.waitReadable(end)
        try server.listener.close()
      }.start()
      try server.run()
    }
  }
}

private final class ThreadBody: Sendable {
  let perform: @Sendable () -> Void

  init(_ perform: @escaping @Sendable () -> Void) {
    self.perform = perform
  }
}
