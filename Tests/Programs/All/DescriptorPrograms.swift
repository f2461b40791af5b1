import Coroutines
import Glibc
import SystemPackage

/// Carries a descriptor to a thread that it does not belong to.
// Safe to call Sendable: the threads take turns.
private final class Parcel: @unchecked Sendable {
  let end: PipeEnd
  init(_ end: PipeEnd) { self.end = end }
}

/// Makes a descriptor the main thread's, and uses it in another thread's loop.
private func useElsewhere(_ use: @escaping @Sendable (PipeEnd) throws -> Void) throws {
  let (reader, writer) = try Coroutine.pipe()
  do { try reader.waitReadable(timeout: .zero) } catch { print(error.code) }
  let parcel = Parcel(reader)
  onAnotherThread {
    try? Coroutine.run(on: .epoll) { try use(parcel.end) }
  }
  try writer.close()
}

/// Descriptors, where they don't belong and where everybody has them.
let descriptorPrograms: [String: @Sendable () throws -> Void] = [
  "foreign-loop-wait": { try useElsewhere { try $0.waitReadable() } },
  "foreign-loop-close": { try useElsewhere { try $0.close() } },

  "standard-output": {
    let borrowed = try PipeEnd(borrowing: .standardOutput)
    try borrowed.writeAll("borrowed\n")
    try borrowed.close()
    let again = try PipeEnd(borrowing: .standardOutput)
    try again.writeAll("and open\n")
    let owned = try PipeEnd(adopting: .standardOutput)
    try owned.writeAll("owned\n")
    try owned.close()
    let isOpen = fcntl(STDOUT_FILENO, F_GETFD) >= 0
    try PipeEnd(borrowing: .standardError).writeAll("open: \(isOpen)\n")
  },
]
