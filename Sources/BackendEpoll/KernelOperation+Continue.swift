import CoroutineAPI
import Glibc

/// What the epoll backend notes in an operation's own word.
enum Word {
  /// `connect` was called once.
  static let called: UInt64 = 1
  /// It has its result, and is to be reported next.
  static let early: UInt64 = 2
  /// It was put in line without an attempt.
  static let untried: UInt64 = 3
}

extension KernelOperation.Reference {
  /// Makes the operation's call: the first time as it stands, later as the kernel wants it
  /// repeated.
  ///
  /// `connect` is the one that differs; the operation's word says that it was called.
  ///
  /// - Returns: A count or a descriptor, or a negated errno value; nil: not ready.
  func attemptOrContinue() -> Int? {
    guard case .connect = pointer.pointee.kind else {
      let result = attempt()
      return result == -Int(EAGAIN) ? nil : result
    }
    let isRepeated = pointer.pointee.backendWord == Word.called
    let result = connect(isRepeated: isRepeated)
    if result == nil { pointer.pointee.backendWord = Word.called }
    return result
  }
  /// What an edge tells of the events that are waited for; 0: nothing.
  func readiness(in events: UInt32) -> Int {
    guard case .poll(_, let asked) = pointer.pointee.kind else { return 0 }
    return Int(events) & Int(CInt(asked) | POLLHUP | POLLERR)
  }
}
