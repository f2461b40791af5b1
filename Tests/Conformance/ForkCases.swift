import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// fork(2), seen from the parent: its loop goes on as if nothing had happened.
  ///
  /// The children do nothing but what is safe after a fork in a process with threads.
  @Suite struct Forking {
    /// A child that ends when `release` is closed in the parent.
    private static func forkWaiting(for release: CInt, closing other: CInt) -> Child {
      let process = forkProcess()
      if process == 0 {
        // The parent's end would keep this one's read from ending.
        close(other)
        var byte: UInt8 = 0
        _ = read(release, &byte, 1)
        _exit(0)
      }
      return Child(process: process)
    }

    @Test(arguments: BackendUnderTest.selected)
    func `operations in flight end as they would have`(on backend: BackendUnderTest) throws {
      try backend.run {
        let pipes = try (0..<10).map { _ in try Coroutine.pipe() }
        let pairs = try (0..<10).map { _ in try Coroutine.socketPair() }
        var received = 0
        let readers =
          pipes.map { pipe in
            Coroutine {
              var buffer = [UInt8](repeating: 0, count: 4)
              received += try pipe.reader.read(into: &buffer)
            }
          }
          + pairs.map { pair in
            Coroutine {
              var buffer = [UInt8](repeating: 0, count: 4)
              received += try pair.0.receive(into: &buffer)
            }
          }
        let sleeper = Coroutine { try Coroutine.sleep(for: .milliseconds(2)) }
        for reader in readers { reader.start() }
        sleeper.start()
        try settle()
        let process = forkProcess()
        if process == 0 { _exit(7) }
        #expect(Child(process: process).wait() == 7)
        #expect(received == 0)
        for pipe in pipes { try pipe.writer.writeAll("abc") }
        for pair in pairs { try pair.1.sendAll("abc") }
        for reader in readers { #expect(try reader.join(timeout: .seconds(10))) }
        try sleeper.join()
        #expect(received == 60)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal handler goes on being called`(on backend: BackendUnderTest) throws {
      try backend.run {
        var received = 0
        try Coroutine.signal(SIGUSR1) { _ in received += 1 }
        let process = forkProcess()
        if process == 0 { _exit(0) }
        #expect(Child(process: process).wait() == 0)
        kill(getpid(), SIGUSR1)
        try eventually { received == 1 }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what is written in the child wakes its parent`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let descriptor = writer.fileDescriptor.rawValue
        let process = forkProcess()
        if process == 0 {
          _exit(write(descriptor, "xyz", 3) == 3 ? 0 : 1)
        }
        try writer.close()
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(try reader.read(into: &buffer) == 3)
        #expect(try reader.read(into: &buffer) == 0)
        #expect(Child(process: process).wait() == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a closed descriptor that a child still has wakes nobody`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        var release: [CInt] = [-1, -1]
        try #require(coro_pipe2(&release, O_CLOEXEC) == 0)
        let (left, right) = try Coroutine.socketPair()
        let waiting = spawn { () throws -> Int in
          var buffer = [UInt8](repeating: 0, count: 4)
          return try left.receive(into: &buffer)
        }
        try settle()
        let child = Self.forkWaiting(for: release[0], closing: release[1])
        // The child's copy keeps the open file, and with it what the kernel may have registered.
        try left.close()
        #expect(try waiting.error().code == .closed)
        let (reader, writer) = try Coroutine.pipe()
        let next = spawn { () throws -> Int in
          var buffer = [UInt8](repeating: 0, count: 4)
          return try reader.read(into: &buffer)
        }
        try right.sendAll("old")
        try settle()
        try writer.writeAll("new!")
        #expect(try next.value() == 4)
        var buffer = [UInt8](repeating: 0, count: 4)
        let error = try failure { _ = try reader.read(into: &buffer, timeout: .zero) }
        #expect(error.code == .timeout)
        close(release[1])
        close(release[0])
        #expect(child.wait() == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a hundred children in a row change nothing`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let before = openDescriptorCount()
        var buffer = [UInt8](repeating: 0, count: 1)
        for number in 0..<100 {
          let echo = Coroutine {
            try writer.writeAll([UInt8(number)])
          }
          let process = forkProcess()
          if process == 0 { _exit(CInt(number)) }
          echo.start()
          #expect(try reader.read(into: &buffer) == 1 && buffer == [UInt8(number)])
          #expect(Child(process: process).wait() == CInt(number))
        }
        #expect(openDescriptorCount() <= before + 8)
      }
    }
  }
}
