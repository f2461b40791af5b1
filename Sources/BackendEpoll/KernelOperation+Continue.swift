import CLinux
import CoroutineAPI
import Glibc

extension KernelOperation.Reference {
  /// Makes the operation's call: the first time as it stands, later as the kernel wants it repeated.
  ///
  /// `connect` is the one that differs: it is called once, and what came of it is asked for when
  /// the socket is writable. The operation's word says that it was called.
  ///
  /// - Returns: A count or a descriptor, or a negated errno value; nil: not ready.
  func attemptOrContinue() -> Int? {
    guard case .connect(let descriptor, _, _) = pointer.pointee.kind else {
      let result = pointer.pointee.attempt()
      return result == -Int(EAGAIN) ? nil : result
    }
    if pointer.pointee.backendWord == 0 {
      let result = pointer.pointee.attempt()
      guard result == -Int(EINPROGRESS) else {
        // EAGAIN is a Unix listener's full backlog, and no readiness: no edge would tell of room.
        return result
      }
      pointer.pointee.backendWord = 1
      return nil
    }
    // The edge may be older than the connection: ask whether it is still under way.
    if coro_poll_now(descriptor, Int16(POLLOUT)) == 0 { return nil }
    var error: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0 else {
      return -Int(errno)
    }
    return -Int(error)
  }
}
