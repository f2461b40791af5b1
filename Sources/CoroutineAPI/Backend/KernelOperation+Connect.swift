import CLinux
import Glibc

extension KernelOperation.Reference {
  /// `connect` as one repeats it: the first call begins the connection, and the next, when the
  /// socket is writable, says what came of it.
  ///
  /// Asking SO_ERROR instead would leave the socket half way: a later connect would succeed.
  ///
  /// - Parameter isRepeated: Whether the connection was begun by an earlier call.
  /// - Returns: 0 or a negated errno value; nil: it is not decided yet.
  public func connect(isRepeated: Bool) -> Int? {
    let result = attempt()
    switch -result {
    // What was under way would be EALREADY: it was given up meanwhile, by shutdown(2) for one, and
    // this call has begun another.
    case Int(EINPROGRESS) where isRepeated:
      disconnect()
      return -Int(ECONNRESET)
    case Int(EINPROGRESS), Int(EALREADY): return nil
    case Int(EISCONN) where isRepeated: return 0
    // EAGAIN is a Unix listener's full backlog, and no readiness: nothing would tell of room.
    default: return result
    }
  }

  private func disconnect() {
    var nobody = sockaddr()
    nobody.sa_family = sa_family_t(AF_UNSPEC)
    _ = CLinux.connect(pointer.pointee.descriptor, &nobody, 2)
  }
}
