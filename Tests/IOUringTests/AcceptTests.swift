#if IOUring
  import BackendIOUring
  import CLinux
  import CoroutineAPI
  import Glibc
  import Testing

  @Suite(.enabled(if: FeatureTests.isPermitted)) struct AcceptTests {
    /// One a turn would be so few where turns are long that the listener's backlog overflows.
    @Test func `connections that wait are accepted at once, then the kernel waits`() throws {
      let backend = try BackendChoice.ioUring.make()
      defer { backend.close() }
      let type = CInt(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK
      let (listener, clients) = (
        socket(AF_UNIX, type, 0), (0..<3).map { _ in socket(AF_UNIX, type, 0) }
      )
      defer { for descriptor in clients + [listener] { close(descriptor) } }
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      var length = socklen_t(MemoryLayout<sa_family_t>.size)
      try withUnsafeMutablePointer(to: &name) { name in
        try name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
          // Without a name the kernel finds one.
          try #require(bind(listener, name, length) == 0 && listen(listener, 8) == 0)
          length = socklen_t(MemoryLayout<sockaddr_un>.size)
          try #require(getsockname(listener, name, &length) == 0)
          for client in clients { try #require(connect(client, name, length) == 0) }
        }
      }
      let operation = UnsafeMutablePointer<KernelOperation>.allocate(capacity: 1)
      defer { operation.deallocate() }
      for _ in clients {
        operation.initialize(to: KernelOperation(.accept(listener, nil, nil)))
        #expect(backend.start(KernelOperation.Reference(operation)))
        #expect(operation.pointee.result >= 0)
        close(CInt(operation.pointee.result))
      }
      operation.initialize(to: KernelOperation(.accept(listener, nil, nil)))
      #expect(!backend.start(KernelOperation.Reference(operation)))
      operation.pointee.isCancelled = true
      backend.cancel(KernelOperation.Reference(operation))
      var completed = Completions()
      while completed.isEmpty { backend.wait(.forever, completed: &completed) }
      #expect(operation.pointee.result == -Int(ECANCELED))
    }
  }
#endif
