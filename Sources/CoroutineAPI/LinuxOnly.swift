#if !os(Linux)
  #error("swift-coroutines runs on Linux only: its backends are epoll and io_uring.")
#endif
