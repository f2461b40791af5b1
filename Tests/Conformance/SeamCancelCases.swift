import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `Backend.cancel`: it only hurries; the operation is reported all the same, exactly once.
  @Suite struct TheSeamCancelling {
    @Test(arguments: BackendUnderTest.selected)
    func `a cancelled receive is reported once, with ECANCELED`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        let buffer = SeamBuffer()
        let receive = seam.operation(.receive(left, buffer.bytes, flags: 0))
        seam.start(receive)
        seam.poll()
        seam.cancel(receive)
        #expect(seam.result(of: receive) == -Int(ECANCELED))
        seam.send("late", to: right)
        seam.poll()
        #expect(seam.reports(of: receive) == 1)
        #expect(seam.receiveNow(left) == "late")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `cancelling right after the start is reported once`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let (left, _) = seam.socketPair()
        let buffer = SeamBuffer()
        let receive = seam.operation(.receive(left, buffer.bytes, flags: 0))
        seam.start(receive)
        seam.cancel(receive)
        #expect(seam.result(of: receive) == -Int(ECANCELED))
        seam.poll()
        #expect(seam.reports(of: receive) == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `cancelling what already has data loses no byte`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        for round in 0..<50 {
          let (left, right) = seam.socketPair()
          let buffer = SeamBuffer()
          let receive = seam.operation(.receive(left, buffer.bytes, flags: 0))
          seam.start(receive)
          if round % 2 == 0 { seam.poll() }
          seam.send("data", to: right)
          seam.cancel(receive)
          let result = seam.result(of: receive)
          if result == -Int(ECANCELED) {
            #expect(seam.receiveNow(left) == "data")
          } else {
            #expect(buffer.text(result) == "data")
            #expect(seam.receiveNow(left) == nil)
          }
          seam.poll()
          #expect(seam.reports(of: receive) == 1)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `cancelling one of several leaves the others in order`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair(.datagram)
        let buffers = (0..<3).map { _ in SeamBuffer() }
        let receives = buffers.map { seam.operation(.receive(left, $0.bytes, flags: 0)) }
        for receive in receives { seam.start(receive) }
        seam.poll()
        seam.cancel(receives[1])
        #expect(seam.result(of: receives[1]) == -Int(ECANCELED))
        seam.send("first", to: right)
        seam.send("second", to: right)
        let texts = [0, 2].map { buffers[$0].text(seam.result(of: receives[$0])) }
        #expect(texts == ["first", "second"])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a new operation may take the place of a cancelled one`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        let buffer = SeamBuffer()
        // As a frame of a coroutine does, which waits, gives up and waits again.
        let place = seam.operation(.receive(left, buffer.bytes, flags: 0))
        for _ in 0..<20 {
          place.pointer.pointee = KernelOperation(.receive(left, buffer.bytes, flags: 0))
          #expect(!seam.backend.start(place))
          place.pointer.pointee.isCancelled = true
          seam.backend.cancel(place)
          var completed = Completions()
          while completed.isEmpty { seam.backend.wait(.forever, completed: &completed) }
          #expect(completed.popFirst() == place)
          #expect(completed.isEmpty)
          #expect(place.pointer.pointee.result == -Int(ECANCELED))
        }
        place.pointer.pointee = KernelOperation(.receive(left, buffer.bytes, flags: 0))
        seam.start(place)
        seam.send("last", to: right)
        #expect(buffer.text(seam.result(of: place)) == "last")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a descriptor closed after a cancellation can be used anew`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        for round in 0..<20 {
          let (left, right) = seam.socketPair()
          let buffer = SeamBuffer()
          let receive = seam.operation(.receive(left, buffer.bytes, flags: 0))
          seam.start(receive)
          seam.poll()
          // In flight on the number that the next round is likely to get.
          if round % 2 == 0 { seam.send("stale", to: right) }
          seam.cancel(receive)
          _ = seam.result(of: receive)
          #expect(seam.close(left) == 0)
          #expect(seam.close(right) == 0)
          let (newLeft, newRight) = seam.socketPair()
          let again = seam.operation(.receive(newLeft, buffer.bytes, flags: 0))
          seam.start(again)
          seam.poll()
          #expect(!seam.isFinished(again))
          seam.send("fresh", to: newRight)
          #expect(buffer.text(seam.result(of: again)) == "fresh")
          #expect(seam.close(newLeft) == 0)
          #expect(seam.close(newRight) == 0)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a cancelled accept leaves the connection in the queue`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let seam = try Seam(backend)
        defer { seam.tearDown() }
        let server = try Coroutine.socket(.inet, .stream)
        try server.bind(to: .inet("127.0.0.1", port: 0))
        try server.listen()
        let accept = seam.operation(.accept(server.fileDescriptor.rawValue, nil, nil))
        seam.start(accept)
        seam.poll()
        seam.cancel(accept)
        #expect(seam.result(of: accept) == -Int(ECANCELED))
        let client = try Coroutine.socket(.inet, .stream)
        try client.connect(to: try server.localAddress)
        let peer = try server.accept()
        let (remote, local) = (try peer.remoteAddress, try client.localAddress)
        #expect(remote == local)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a cancelled send keeps what it could not send`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        let block = SeamBuffer(1 << 16)
        let bytes = UnsafeRawBufferPointer(block.bytes)
        let flags = CInt(MSG_NOSIGNAL)
        var sent = 0
        while true {
          let count = seam.perform(.send(left, bytes, flags: flags), mayWait: false)
          if count < 0 {
            #expect(count == -Int(EAGAIN))
            break
          }
          sent += count
        }
        let send = seam.operation(.send(left, bytes, flags: flags))
        seam.start(send)
        seam.poll()
        seam.cancel(send)
        #expect(seam.result(of: send) == -Int(ECANCELED))
        #expect(seam.close(left) == 0)
        var received = 0
        while case let count = seam.perform(.receive(right, block.bytes, flags: 0)), count > 0 {
          received += count
        }
        #expect(received == sent)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a thousand operations are cancelled at once`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let pairs = (0..<500).map { _ in seam.socketPair() }
        let buffers = (0..<1000).map { _ in SeamBuffer(8) }
        let receives = (0..<1000).map { number in
          seam.operation(.receive(pairs[number / 2].0, buffers[number].bytes, flags: 0))
        }
        for receive in receives { seam.start(receive) }
        seam.poll()
        for receive in receives.reversed() { seam.cancel(receive) }
        let results = receives.map { seam.result(of: $0) }
        #expect(results == Array(repeating: -Int(ECANCELED), count: 1000))
        // The sockets are as good as before.
        let again = seam.operation(.receive(pairs[7].0, buffers[0].bytes, flags: 0))
        seam.start(again)
        seam.send("x", to: pairs[7].1)
        #expect(seam.result(of: again) == 1)
      }
    }
  }
}
