@_exported public import BackendEpoll
import CContext
@_exported public import CoroutineAPI

#if IOUring
  @_exported public import BackendIOUring
#endif

/// The backends that `.automatic` chooses from.
///
/// CoroutineAPI knows no backend, and finds this function as a weak C symbol: linking this module
/// is
/// all the set-up there is.
@c(coro_linked_backends)
public func coroutinesLinkedBackends() -> UnsafeMutableRawPointer? {
  #if IOUring
    let linked = LinkedBackends(
      automatic: [.ioUringIfFast, .epoll], named: [.ioUring, .epoll])
  #else
    let linked = LinkedBackends(automatic: [.epoll], named: [.epoll])
  #endif
  return Unmanaged.passRetained(linked).toOpaque()
}
