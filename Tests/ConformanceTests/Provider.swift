import CoroutineConformance
import Coroutines

extension Conformance: BackendProvider {
  /// The backends of this package.
  public static var backends: [BackendUnderTest] {
    #if IOUring
      [BackendUnderTest(.epoll), BackendUnderTest(.ioUring)]
    #else
      [BackendUnderTest(.epoll)]
    #endif
  }
}
