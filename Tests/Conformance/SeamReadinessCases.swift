import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `poll`, `introduce`, `forget` and `close` of the `Backend` protocol itself.
  @Suite struct TheSeamsDescriptors {
    private let readable = Int16(POLLIN)
    private let writable = Int16(POLLOUT)

    @Test(arguments: BackendUnderTest.selected)
    func `readiness that is there is reported as poll(2) has it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        #expect(seam.perform(.poll(left, events: writable | readable)) == Int(POLLOUT))
        seam.send("x", to: right)
        #expect(seam.perform(.poll(left, events: readable)) == Int(POLLIN))
        #expect(
          seam.perform(.poll(left, events: writable | readable)) == Int(POLLOUT) | Int(POLLIN))
        #expect(seam.receiveNow(left) == "x")
        #expect(seam.close(right) == 0)
        #expect(seam.perform(.poll(left, events: 0)) == Int(POLLHUP))
        #expect(seam.perform(.poll(-1, events: readable)) == -Int(EBADF))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `one that may not wait says EAGAIN`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        for _ in 0..<2 {
          let poll = seam.operation(.poll(left, events: readable), mayWait: false)
          #expect(seam.backend.start(poll))
          #expect(poll.pointer.pointee.result == -Int(EAGAIN))
        }
        seam.send("x", to: right)
        let poll = seam.operation(.poll(left, events: readable), mayWait: false)
        #expect(seam.backend.start(poll))
        #expect(poll.pointer.pointee.result == Int(POLLIN))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `all who wait for readiness are told, and the receiver is served`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        let buffer = SeamBuffer()
        let receive = seam.operation(.receive(left, buffer.bytes, flags: 0))
        let polls = (0..<5).map { _ in seam.operation(.poll(left, events: readable)) }
        let room = seam.operation(.poll(left, events: Int16(POLLPRI)))
        for operation in [receive, room] + polls { seam.start(operation) }
        seam.poll()
        #expect(([receive, room] + polls).allSatisfy { !seam.isFinished($0) })
        seam.send("x", to: right)
        #expect(buffer.text(seam.result(of: receive)) == "x")
        for poll in polls { #expect(seam.result(of: poll) == Int(POLLIN)) }
        #expect(!seam.isFinished(room))
        seam.cancel(room)
        #expect(seam.result(of: room) == -Int(ECANCELED))
        seam.poll()
        #expect(([receive, room] + polls).allSatisfy { seam.reports(of: $0) == 1 })
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a wait for readiness keeps no place in a line`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair(.datagram)
        let buffers = (0..<3).map { _ in SeamBuffer() }
        var operations: [KernelOperation.Reference] = []
        for buffer in buffers {
          operations.append(seam.operation(.poll(left, events: Int16(POLLPRI))))
          operations.append(seam.operation(.receive(left, buffer.bytes, flags: 0)))
        }
        for operation in operations { seam.start(operation) }
        seam.poll()
        seam.cancel(operations[2])
        for number in 0..<3 {
          seam.send("\(number)", to: right)
          #expect(buffers[number].text(seam.result(of: operations[2 * number + 1])) == "\(number)")
        }
        for number in [0, 4] { seam.cancel(operations[number]) }
        for number in [0, 2, 4] {
          #expect(seam.result(of: operations[number]) == -Int(ECANCELED))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `cancelling what is ready already is reported once`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        for round in 0..<20 {
          let (left, right) = seam.socketPair()
          let poll = seam.operation(.poll(left, events: readable))
          seam.start(poll)
          if round % 2 == 0 { seam.poll() }
          seam.send("x", to: right)
          seam.cancel(poll)
          #expect([Int(POLLIN), -Int(ECANCELED)].contains(seam.result(of: poll)))
          seam.poll()
          #expect(seam.reports(of: poll) == 1)
          #expect(seam.receiveNow(left) == "x")
        }
      }
    }

    // MARK: Introducing

    /// Operations in every line of a descriptor whose socket takes no more.
    private func operations(_ seam: Seam, on descriptor: CInt) -> [KernelOperation.Reference] {
      let block = SeamBuffer(1 << 16)
      let bytes = UnsafeRawBufferPointer(block.bytes)
      let flags = CInt(MSG_NOSIGNAL)
      while seam.perform(.send(descriptor, bytes, flags: flags), mayWait: false) > 0 {}
      let kinds: [KernelOperation.Kind] = [
        .receive(descriptor, SeamBuffer().bytes, flags: 0), .poll(descriptor, events: readable),
        .read(descriptor, SeamBuffer().bytes), .send(descriptor, bytes, flags: flags),
        .poll(descriptor, events: writable), .send(descriptor, bytes, flags: flags),
      ]
      let operations = kinds.map { seam.operation($0) }
      for operation in operations { seam.start(operation) }
      seam.poll()
      #expect(operations.allSatisfy { !seam.isFinished($0) })
      return operations
    }

    @Test(arguments: BackendUnderTest.selected)
    func `introducing the same file changes nothing`(on backend: BackendUnderTest) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        #expect(seam.perform(.introduce(left)) == 0)
        let operations = operations(seam, on: left)
        for _ in 0..<3 {
          #expect(seam.perform(.introduce(left)) == 0)
          seam.poll()
          #expect(operations.allSatisfy { !seam.isFinished($0) })
        }
        seam.send("x", to: right)
        #expect(seam.result(of: operations[0]) == 1)
        #expect(seam.result(of: operations[1]) == Int(POLLIN))
        seam.send("y", to: right)
        #expect(seam.result(of: operations[2]) == 1)
        for operation in operations[3...] { seam.cancel(operation) }
        for operation in operations[3...] {
          #expect(seam.result(of: operation) == -Int(ECANCELED))
        }
        seam.poll()
        #expect(operations.allSatisfy { seam.reports(of: $0) == 1 })
      }
    }

    @Test(arguments: BackendUnderTest.selected, [false, true])
    func `introducing another file under the number fails who waits for the former`(
      on backend: BackendUnderTest, isDuplicated: Bool
    ) throws {
      try backend.runSeam { seam in
        let (left, _) = seam.socketPair()
        let operations = operations(seam, on: left)
        let duplicate = isDuplicated ? dup(left) : -1
        let (other, otherPeer) = seam.socketPair()
        #expect(dup2(other, left) == left)
        #expect(seam.perform(.introduce(left)) == 0)
        let buffer = SeamBuffer()
        let receive = seam.operation(.receive(left, buffer.bytes, flags: 0))
        seam.start(receive)
        for operation in operations { #expect(seam.result(of: operation) == -Int(EBADF)) }
        seam.poll()
        #expect(!seam.isFinished(receive))
        seam.send("x", to: otherPeer)
        #expect(buffer.text(seam.result(of: receive)) == "x")
        #expect(operations.allSatisfy { seam.reports(of: $0) == 1 })
        if isDuplicated { Glibc.close(duplicate) }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what fails because its file is gone may be cancelled before it is reported`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let (left, _) = seam.socketPair()
        let operations = operations(seam, on: left)
        let (other, _) = seam.socketPair()
        #expect(dup2(other, left) == left)
        #expect(seam.perform(.introduce(left)) == 0)
        for operation in operations { seam.cancel(operation) }
        for operation in operations {
          #expect([-Int(EBADF), -Int(ECANCELED)].contains(seam.result(of: operation)))
        }
        seam.poll()
        #expect(operations.allSatisfy { seam.reports(of: $0) == 1 })
      }
    }

    // MARK: The end

    @Test(arguments: BackendUnderTest.selected)
    func `forgetting a descriptor on which somebody waits changes nothing`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let (left, right) = seam.socketPair()
        let buffer = SeamBuffer()
        let receive = seam.operation(.receive(left, buffer.bytes, flags: 0))
        let poll = seam.operation(.poll(left, events: readable))
        seam.start(receive)
        seam.start(poll)
        // Both are the kernel's before the byte comes: it could be gone before the poll begins.
        seam.poll()
        #expect(seam.perform(.forget(left)) == 0)
        seam.send("x", to: right)
        #expect(buffer.text(seam.result(of: receive)) == "x")
        #expect(seam.result(of: poll) == Int(POLLIN))
        // And then once more, when nobody does.
        #expect(seam.perform(.forget(left)) == 0)
        let again = seam.operation(.receive(left, buffer.bytes, flags: 0))
        seam.start(again)
        seam.send("y", to: right)
        #expect(buffer.text(seam.result(of: again)) == "y")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `closing a descriptor on which others wait fails them`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runSeam { seam in
        let (left, _) = seam.socketPair()
        let operations = operations(seam, on: left)
        // One that the kernel may not have seen yet.
        let last = seam.operation(.poll(left, events: Int16(POLLPRI)))
        seam.start(last)
        #expect(seam.close(left) == 0)
        let (new, newPeer) = seam.socketPair()
        #expect(new == left)
        seam.send("x", to: newPeer)
        for operation in operations + [last] {
          #expect(seam.result(of: operation) == -Int(EBADF))
        }
        #expect(seam.receiveNow(new) == "x")
        seam.poll()
        #expect(operations.allSatisfy { seam.reports(of: $0) == 1 })
      }
    }
  }
}
