import CoroutineAPI
import Glibc

extension KernelOperation.Reference {
  /// Makes the operation's call: the first time as it stands, later as the kernel wants it
  /// repeated.
  ///
  /// `connect` is the one that differs; the operation's word says that it was called.
  ///
  /// - Returns: A count or a descriptor, or a negated errno value; nil: not ready.
  func attemptOrContinue() -> Int? {
    guard case .connect = pointer.pointee.kind else {
      let result = pointer.pointee.attempt()
      return result == -Int(EAGAIN) ? nil : result
    }
    let isRepeated = pointer.pointee.backendWord == 1
    let result = pointer.pointee.connect(isRepeated: isRepeated)
    if result == nil { pointer.pointee.backendWord = 1 }
    return result
  }
}
