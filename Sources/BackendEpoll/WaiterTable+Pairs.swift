import CLinux
import CoroutineAPI
import Glibc

// Pipes of which the loop has both ends
//
// To ask the kernel for what another coroutine is going to write would be in vain, and so would be
// to be told of it by the kernel when it is written. So who reads from a pipe that the loop has
// read empty, as far as it knows, is put in line unasked, and who writes has him attempt.
//
// Others may have the ends as well, and write. So before the loop waits, and whenever it looks for
// news, it attempts whoever was put in line so; who is still in vain then waits for an edge. And
// once more has come than the loop has written, all who read are attempted at once again: what a
// child process writes is not to be waited for if it is there.

extension WaiterTable {
  /// Puts the operation in line unasked, if it reads from such a pipe.
  func postpones(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<WaiterEntry>
  ) -> Bool {
    guard case .read(let descriptor, _) = operation.pointer.pointee.kind,
      operation.pointer.pointee.mayWait, !entry.pointee.hasStrangers,
      entry.pointee.unread == 0, entry.pointee.reading.isFree
    else { return false }
    entry.pointee.reading.operations.append(operation)
    if !entry.pointee.isPostponed { notePostponed(descriptor, entry) }
    return true
  }

  private func notePostponed(_ descriptor: CInt, _ entry: UnsafeMutablePointer<WaiterEntry>) {
    if entry.pointee.inode == 0 { entry.pointee.inode = coro_inode(descriptor) }
    entry.pointee.isPostponed = true
    postponed.append(descriptor)
  }

  /// Whether the number still means the pipe of those who were put in line unasked.
  func isPostponedPipe(_ descriptor: CInt, _ entry: UnsafeMutablePointer<WaiterEntry>) -> Bool {
    entry.pointee.isPostponed && coro_inode(descriptor) == entry.pointee.inode
  }

  /// Attempts those who were put in line unasked.
  @inline(never)
  func attemptPostponed(_ completed: inout OperationList) {
    for index in postponed.indices {
      let descriptor = postponed[index]
      // Its number may be another file's by now: then it is no longer marked.
      guard let entry = existingEntry(descriptor), entry.pointee.isPostponed else { continue }
      entry.pointee.isPostponed = false
      // Who waits for readiness has to see it before it is taken.
      if !entry.pointee.polling.isEmpty { askAgain(entry, 0, &completed) }
      advance(entry, Self.waiters(entry, .reading), &completed)
      registerWaiting(descriptor, entry, &completed)
    }
    postponed.removeAll(keepingCapacity: true)
  }

  /// Notes what an operation on such a pipe has moved, and lets its reader have what was written.
  @inline(never)
  func noteMoved(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<WaiterEntry>, _ count: Int
  ) {
    switch operation.pointer.pointee.kind {
    case .read:
      if count > entry.pointee.unread { entry.pointee.hasStrangers = true }
      entry.pointee.unread = max(0, entry.pointee.unread - count)
    case .write:
      guard count > 0, let peer = existingEntry(operation.pointer.pointee.peer) else { return }
      peer.pointee.unread += count
      // Who waits for readiness has to see it before it is taken, and hears of it from `wait`.
      guard !peer.pointee.reading.operations.isEmpty, peer.pointee.polling.isEmpty else { return }
      peer.pointee.reading.isBlocked = false
      advanceEarly(peer, Self.waiters(peer, .reading))
    default:
      return
    }
  }
}
