import CoroutineConformance
import Coroutines

extension Conformance: BackendProvider {
  public static var backends: [BackendUnderTest] {
    #if IOUring
      [BackendUnderTest(.epoll), BackendUnderTest(.ioUring)]
    #else
      [BackendUnderTest(.epoll)]
    #endif
  }
}
