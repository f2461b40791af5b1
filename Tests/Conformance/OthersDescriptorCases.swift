import CLinux
import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// `Coroutine.wait(for:on:)`: readiness of descriptors that stay their owner's.
  @Suite struct OthersDescriptors {
    /// Expects that the descriptor becomes readable by `cause` and not before, twice: first for one
    /// who waits already, then for one who comes later.
    private func expectReadable(
      _ number: CInt, sourceLocation: SourceLocation = #_sourceLocation,
      after cause: () throws -> Void, thenEmptied empty: () -> Void
    ) throws {
      let descriptor = FileDescriptor(number)
      let flags = statusFlags(number)
      for _ in 0..<2 {
        let early = errorCode { try Coroutine.waitReadable(descriptor, timeout: .zero) }
        #expect(early == .timeout, sourceLocation: sourceLocation)
        let waiting = spawn { try Coroutine.waitReadable(descriptor) }
        try settle()
        #expect(!waiting.hasEnded, sourceLocation: sourceLocation)
        try cause()
        #expect(try waiting.value().contains(.readable), sourceLocation: sourceLocation)
        let late = try Coroutine.waitReadable(descriptor, timeout: .zero)
        #expect(late.contains(.readable), sourceLocation: sourceLocation)
        empty()
      }
      #expect(statusFlags(number) == flags && isOpen(number), sourceLocation: sourceLocation)
    }

    private func drain(_ number: CInt) {
      var buffer = [UInt8](repeating: 0, count: 4096)
      _ = Glibc.read(number, &buffer, buffer.count)
    }

    // MARK: Kinds

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `an eventfd, a timerfd, an inotify descriptor`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      try backend.run {
        let event = eventfd(0, mode)
        try expectReadable(event) {
          var one: UInt64 = 1
          _ = Glibc.write(event, &one, 8)
        } thenEmptied: {
          drain(event)
        }
        let clock = timerfd_create(CLOCK_MONOTONIC, mode)
        try expectReadable(clock) {
          setTimer(clock, .microseconds(100))
        } thenEmptied: {
          drain(clock)
        }
        try Scratch.with { scratch in
          let watcher = try watch(scratch.path("."), mode: mode)
          var count = 0
          try expectReadable(watcher) {
            count += 1
            Glibc.close(open(scratch.path("\(count)"), O_CREAT | O_WRONLY, 0o600))
          } thenEmptied: {
            drain(watcher)
          }
          Glibc.close(watcher)
        }
        Glibc.close(event)
        Glibc.close(clock)
      }
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `a terminal, a socket, a named pipe`(on backend: BackendUnderTest, mode: CInt) throws {
      try backend.run {
        let (device, program) = try terminal(isRaw: true, mode: mode)
        try expectReadable(program) {
          #expect(Glibc.write(device, "x", 1) == 1)
        } thenEmptied: {
          drain(program)
        }
        try expectReadable(device) {
          #expect(Glibc.write(program, "x", 1) == 1)
        } thenEmptied: {
          drain(device)
        }
        let (left, right) = try Coroutine.socketPair()
        try expectReadable(left.number) {
          try right.sendAll("x")
        } thenEmptied: {
          drain(left.number)
        }
        try Scratch.with { scratch in
          try #require(mkfifo(scratch.path("fifo"), 0o600) == 0)
          let fifo = open(scratch.path("fifo"), O_RDWR | O_CLOEXEC | mode)
          try expectReadable(fifo) {
            #expect(Glibc.write(fifo, "x", 1) == 1)
          } thenEmptied: {
            drain(fifo)
          }
          Glibc.close(fifo)
        }
        Glibc.close(device)
        Glibc.close(program)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signalfd, for a signal that this thread blocks`(on backend: BackendUnderTest) throws {
      try backend.run {
        try withSignalDescriptor(SIGUSR2) { number in
          try expectReadable(number) {
            raiseHere(SIGUSR2)
          } thenEmptied: {
            drain(number)
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a pidfd is readable when its process has ended`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let child = try Child("read line", input: reader.number, output: 1)
        let number = try processDescriptor(child.process)
        let waiting = spawn { try Coroutine.waitReadable(FileDescriptor(number)) }
        try settle()
        #expect(!waiting.hasEnded)
        try writer.writeAll("\n")
        #expect(try waiting.value().contains(.readable))
        _ = child.wait()
        Glibc.close(number)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an epoll descriptor is readable when one of its own is`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
        let event = eventfd(0, CInt(EFD_CLOEXEC))
        #expect(coro_epoll_add(epoll, event, EPOLLIN.rawValue, 0) == 0)
        try expectReadable(epoll) {
          var one: UInt64 = 1
          _ = Glibc.write(event, &one, 8)
        } thenEmptied: {
          drain(event)
        }
        Glibc.close(event)
        Glibc.close(epoll)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what can't be waited for is ready at once`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Scratch.with { scratch in
          let file = open(scratch.path("file"), O_RDWR | O_CREAT, 0o600)
          for number in [file, open("/dev/null", O_RDWR), open("/dev/zero", O_RDWR)] {
            let descriptor = FileDescriptor(number)
            #expect(try Coroutine.waitReadable(descriptor) == .readable)
            #expect(try Coroutine.waitWritable(descriptor) == .writable)
            #expect(
              try Coroutine.wait(for: [.readable, .writable], on: descriptor)
                == [.readable, .writable])
            let never = try failure { try Coroutine.wait(for: .urgent, on: descriptor) }
            #expect(never.isSystem(EINVAL))
            Glibc.close(number)
          }
          let directory = open(scratch.path("."), O_RDONLY | O_DIRECTORY)
          #expect(try Coroutine.waitReadable(FileDescriptor(directory)) == .readable)
          Glibc.close(directory)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a connection that a plain call began is writable when it is made or refused`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let listener = try inetListener()
        let refused = try inetListener()
        let refusedAddress = try refused.localAddress
        try refused.close()
        for (address, error) in [(try listener.localAddress, 0), (refusedAddress, ECONNREFUSED)] {
          let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
          let number = socket(AF_INET, type, 0)
          var name = sockaddr_in()
          name.sin_family = sa_family_t(AF_INET)
          name.sin_addr.s_addr = inet_addr("127.0.0.1")
          name.sin_port = in_port_t(try #require(address.port)).bigEndian
          _ = withUnsafeBytes(of: &name) {
            Glibc.connect(
              number, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
          }
          let ready = try Coroutine.waitWritable(FileDescriptor(number))
          #expect(ready.contains(.writable))
          #expect(ready.contains(.failed) == (error != 0))
          var pending: CInt = -1
          var length = socklen_t(4)
          getsockopt(number, SOL_SOCKET, SO_ERROR, &pending, &length)
          #expect(pending == error)
          Glibc.close(number)
        }
      }
    }

    // MARK: Errors

    @Test(arguments: BackendUnderTest.selected, [-1, 1_000, 999_999_999])
    func `a number that is not open is an error`(
      on backend: BackendUnderTest, number: CInt
    ) throws {
      try backend.run {
        for timeout in [nil, Duration.zero, .seconds(60)] {
          let error = try failure {
            try Coroutine.waitReadable(FileDescriptor(number), timeout: timeout)
          }
          #expect(error.isSystem(EBADF))
          #expect(error.call == "waitReadable" && error.operands == "descriptor \(number)")
        }
        let path = open("/tmp", pathOnly | O_CLOEXEC)
        #expect(
          try failure { try Coroutine.waitReadable(FileDescriptor(path)) }.isSystem(EBADF))
        Glibc.close(path)
      }
    }

    @Test func `without a loop it is misuse, and says what to do`() throws {
      let message = onNewThread {
        caught { () throws(CoroutineError) in
          try Coroutine.waitReadable(FileDescriptor(0), timeout: .zero)
        }?.description
      }
      #expect(message?.contains("waitReadable") == true)
      #expect(message?.contains("Coroutine.run(on: .automatic)") == true)
    }

    // MARK: The owner

    @Test(arguments: BackendUnderTest.selected)
    func `the owner may close it between two waits, and another may get its number`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for round in 0..<50 {
          let number = eventfd(0, CInt(EFD_CLOEXEC))
          let keeper = dup(number)
          let waiting = spawn { try Coroutine.waitReadable(FileDescriptor(number)) }
          var one: UInt64 = 1
          _ = Glibc.write(number, &one, 8)
          #expect(try waiting.value() == .readable)
          #expect(
            errorCode {
              try Coroutine.wait(
                for: .urgent, on: FileDescriptor(number), timeout: .microseconds(1))
            } == .timeout)
          Glibc.close(number)
          if round % 2 == 0 { Glibc.close(keeper) }
          let (left, right) = try Coroutine.socketPair()
          #expect(left.number == number)
          let receiver = spawn { try left.receiveText() }
          try right.sendAll("x")
          #expect(try receiver.value() == "x")
          if round % 2 != 0 { Glibc.close(keeper) }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `of a number that was closed and is another's, each who waits gets his own`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let former = eventfd(0, CInt(EFD_CLOEXEC))
        let stale = spawn { try Coroutine.waitReadable(FileDescriptor(former)) }
        try settle()
        Glibc.close(former)
        let number = eventfd(0, CInt(EFD_CLOEXEC))
        #expect(number == former)
        let waiting = spawn { try Coroutine.waitReadable(FileDescriptor(number)) }
        #expect(try stale.error().isSystem(EBADF))
        #expect(!waiting.hasEnded)
        var one: UInt64 = 1
        _ = Glibc.write(number, &one, 8)
        #expect(try waiting.value() == .readable)
        Glibc.close(number)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `any number may wait, and one who gives up disturbs nobody`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let number = eventfd(0, CInt(EFD_CLOEXEC))
        let descriptor = FileDescriptor(number)
        let waiting = (0..<5).map { _ in spawn { try Coroutine.waitReadable(descriptor) } }
        #expect(
          errorCode { try Coroutine.waitReadable(descriptor, timeout: .milliseconds(1)) }
            == .timeout)
        try settle()
        #expect(waiting.allSatisfy { !$0.hasEnded })
        var one: UInt64 = 1
        _ = Glibc.write(number, &one, 8)
        for waiter in waiting { #expect(try waiter.value() == .readable) }
        Glibc.close(number)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wait on a socket's number leaves the socket's own waits alone`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for transport in [Transport.inet, .socketPair] {
          let (client, server) = try transport.pair()
          let size = try client.fill()
          let receiver = spawn { try client.receiveText() }
          let sender = spawn { try client.sendAll("more") }
          let descriptor = FileDescriptor(client.number)
          let waiting = spawn { try Coroutine.waitReadable(descriptor) }
          #expect(
            errorCode { try Coroutine.waitReadable(descriptor, timeout: .milliseconds(1)) }
              == .timeout)
          #expect(!receiver.hasEnded && !sender.hasEnded && !waiting.hasEnded)
          try server.sendAll("x")
          #expect(try receiver.value() == "x")
          #expect(try waiting.value() == .readable)
          #expect(try server.receiveExactly(size + 4).count == size + 4)
          try sender.value()
          try server.sendAll("y")
          #expect(try client.receiveText() == "y")
          let again = spawn { try client.receiveText() }
          try server.sendAll("z")
          #expect(try again.value() == "z")
        }
      }
    }
  }
}
