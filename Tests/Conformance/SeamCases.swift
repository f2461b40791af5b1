import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// The `Backend` protocol itself.
  @Suite struct TheSeam {
    @Test(arguments: BackendUnderTest.selected)
    func `a system call finishes inline`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        var ends: (CInt, CInt) = (-1, -1)
        let result = withUnsafeMutableBytes(of: &ends) { bytes -> Int? in
          guard let pointer = bytes.assumingMemoryBound(to: CInt.self).baseAddress else {
            return nil
          }
          let operation = seam.operation(.call(.pipe(flags: O_CLOEXEC, ends: pointer)))
          #expect(seam.backend.start(operation))
          return operation.pointer.pointee.result
        }
        #expect(result == 0)
        #expect(ends.0 >= 0 && ends.1 >= 0)
        #expect(seam.close(ends.0) == 0)
        #expect(seam.close(ends.1) == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a system call's failure is a negated errno value`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        #expect(
          seam.perform(.call(.socket(domain: 9999, type: 1, protocol: 0))) == -Int(EAFNOSUPPORT))
        #expect(seam.perform(.call(.listen(-1, backlog: 1))) == -Int(EBADF))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a poll with nothing to report returns nothing`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        let buffer = SeamBuffer()
        let receive = seam.operation(.receive(left, buffer.bytes, flags: 0))
        seam.start(receive)
        for _ in 0..<10 { seam.wait(.poll) }
        #expect(!seam.isFinished(receive))
        seam.send("x", to: right)
        #expect(seam.result(of: receive) == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wait until an instant lasts about that long`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        for milliseconds in [0, 1, 3] {
          let deadline = seam.backend.now + .milliseconds(milliseconds)
          var waits = 0
          while seam.backend.now < deadline {
            seam.wait(.until(deadline))
            waits += 1
          }
          // It may return early for no reason, but must not spin.
          #expect(waits < 100)
          #expect(seam.backend.now < deadline + .seconds(2))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wait until a past instant does not block`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let start = seam.backend.now
        for _ in 0..<20 { seam.wait(.until(start - .seconds(1))) }
        for _ in 0..<20 { seam.wait(.until(Instant(nanoseconds: 0))) }
        #expect(seam.backend.now < start + .seconds(2))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a nearer instant after a farther one counts, and the other way round`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        seam.backend.wake()
        seam.wait(.until(seam.backend.now + .seconds(3600)))
        for milliseconds in [1, 4, 1] {
          let deadline = seam.backend.now + .milliseconds(milliseconds)
          while seam.backend.now < deadline { seam.wait(.until(deadline)) }
        }
        // The timer of an earlier wait must not end the later ones for good.
        seam.backend.wake()
        seam.wait(.until(.distantFuture))
        #expect(seam.backend.now > Instant(nanoseconds: 0))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wake before a wait ends it`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        for _ in 0..<5 {
          seam.backend.wake()
          seam.wait(.forever)
        }
        seam.backend.wake()
        seam.wait(.until(seam.backend.now + .seconds(3600)))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wake from another thread ends a wait under way`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let waker = Waker(seam.backend)
        for _ in 0..<3 {
          let loop = TaskWatch()
          let thread = ThreadJob {
            loop.waitUntilAsleep()
            waker.wake()
          }
          seam.wait(.forever)
          thread.join()
          seam.poll()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `no wake is lost, whenever it comes`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let waker = Waker(seam.backend)
        let (request, requested) = seam.socketPair()
        let rounds = 300
        let thread = ThreadJob { () -> Int in
          var byte: UInt8 = 0
          var count = 0
          while count < rounds, recv(requested, &byte, 1, 0) == 1 {
            waker.wake()
            count += 1
          }
          return count
        }
        for _ in 0..<rounds {
          seam.send("?", to: request)
          // Races with the wake that the byte asks for; a lost one would hang.
          seam.wait(.forever)
        }
        #expect(thread.join() == rounds)
      }
    }

    /// `wake()` is the one member that other threads may call.
    // Safe to call Sendable: nothing else is called through it.
    private final class Waker: @unchecked Sendable {
      private let backend: any Backend
      init(_ backend: any Backend) { self.backend = backend }
      func wake() { backend.wake() }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `counts, the end and errors are results`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        let buffer = SeamBuffer()
        let hello: StaticString = "hello"
        let bytes = UnsafeRawBufferPointer(start: hello.utf8Start, count: 5)
        #expect(seam.perform(.send(left, bytes, flags: 0)) == 5)
        #expect(seam.perform(.receive(right, buffer.bytes, flags: 0)) == 5)
        #expect(buffer.text(5) == "hello")
        #expect(seam.perform(.write(left, bytes)) == 5)
        #expect(seam.perform(.read(right, buffer.bytes)) == 5)
        #expect(seam.close(left) == 0)
        #expect(seam.perform(.receive(right, buffer.bytes, flags: 0)) == 0)
        #expect(
          seam.perform(.send(right, bytes, flags: CInt(MSG_NOSIGNAL))) == -Int(EPIPE))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a descriptor that is not open is EBADF`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        // High numbers, which nobody is given between the close and the call.
        let closed = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 800)
        _ = Glibc.close(closed)
        let buffer = SeamBuffer()
        for descriptor in [closed, -1] {
          #expect(seam.perform(.receive(descriptor, buffer.bytes, flags: 0)) == -Int(EBADF))
          #expect(seam.perform(.read(descriptor, buffer.bytes)) == -Int(EBADF))
          #expect(seam.perform(.accept(descriptor, nil, nil)) == -Int(EBADF))
          #expect(seam.perform(.close(descriptor)) == -Int(EBADF))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an operation that may not wait finishes inline with EAGAIN`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        let buffer = SeamBuffer()
        for _ in 0..<2 {
          let receive = seam.operation(.receive(left, buffer.bytes, flags: 0), mayWait: false)
          #expect(seam.backend.start(receive))
          #expect(receive.pointer.pointee.result == -Int(EAGAIN))
          let read = seam.operation(.read(left, buffer.bytes), mayWait: false)
          #expect(seam.backend.start(read))
          #expect(read.pointer.pointee.result == -Int(EAGAIN))
        }
        seam.send("now", to: right)
        seam.poll()
        let receive = seam.operation(.receive(left, buffer.bytes, flags: 0), mayWait: false)
        #expect(seam.backend.start(receive))
        #expect(receive.pointer.pointee.result == 3)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `receives of one socket are served in order`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair(.datagram)
        let buffers = (0..<5).map { _ in SeamBuffer() }
        let receives = buffers.map { seam.operation(.receive(left, $0.bytes, flags: 0)) }
        for receive in receives { seam.start(receive) }
        seam.poll()
        for number in 0..<5 { seam.send("\(number)", to: right) }
        let texts = zip(buffers, receives).map { $0.text(seam.result(of: $1)) }
        #expect(receives.allSatisfy { seam.reports(of: $0) == 1 })
        #expect(texts == ["0", "1", "2", "3", "4"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a thousand sockets' receives are in flight at once`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let pairs = (0..<1000).map { _ in seam.socketPair() }
        let buffers = pairs.map { _ in SeamBuffer(8) }
        let receives = zip(pairs, buffers).map { pair, buffer in
          seam.operation(.receive(pair.0, buffer.bytes, flags: 0))
        }
        for receive in receives { seam.start(receive) }
        seam.poll()
        for number in 0..<1000 { seam.send("\(number)", to: pairs[number].1) }
        var wrong = 0
        for (number, receive) in receives.enumerated()
        where buffers[number].text(seam.result(of: receive)) != "\(number)" {
          wrong += 1
        }
        #expect(wrong == 0)
      }
    }
  }
}
