import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Descriptors that came with a message: whose they are, and where in a stream they lie.
  @Suite struct ReceivedDescriptors {
    // MARK: Ownership

    @Test(arguments: BackendUnderTest.selected)
    func `a descriptor is taken once`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        try left.sendMessage("x", control: [.descriptors([left.fileDescriptor])])
        var message: Socket.Message? = try receiveMessage(right)
        let received = try #require(message?.descriptors.first)
        #expect(!received.isTaken)
        let descriptor = try received.take()
        #expect(received.isTaken && descriptor == received.fileDescriptor)
        #expect(try failure { _ = try received.take() }.code == .closed)
        #expect(try failure { _ = try Socket(taking: received) }.code == .closed)
        try received.close()
        message = nil
        #expect(isOpen(descriptor.rawValue))
        try descriptor.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a descriptor can be closed before its message goes`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let canary = try Canary()
        try left.sendMessage("x", control: [canary.message])
        try canary.closeOriginal()
        let message = try receiveMessage(right)
        try message.descriptors[0].close()
        #expect(message.descriptors[0].isTaken)
        try canary.expectAllClosed()
        try message.descriptors[0].close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what is no socket is not adopted as one, and stays the message's`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let canary = try Canary()
        try left.sendMessage("x", control: [canary.message])
        try canary.closeOriginal()
        let message = try receiveMessage(right)
        let received = message.descriptors[0]
        #expect(try failure { _ = try Socket(taking: received) }.code == .invalidArgument)
        #expect(!received.isTaken && isOpen(received.fileDescriptor.rawValue))
        try received.close()
        try canary.expectAllClosed()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an accepted connection can be handed to another loop`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let listener = try inetListener()
        let client = try connected(to: listener)
        let accepted = try listener.accept()
        try left.sendMessage("take it", control: [.descriptors([accepted.fileDescriptor])])
        try accepted.close()
        let descriptor = try right.detach()
        let choice = backend.choice
        let worker = ThreadJob { () -> Bool in
          let isDone = try? Coroutine.run(on: choice) { () throws -> Bool in
            let channel = try Socket(adopting: descriptor)
            var buffer = [UInt8](repeating: 0, count: 16)
            let message = try channel.receiveMessage(into: &buffer)
            let peer = try Socket(taking: message.descriptors[0])
            try peer.sendAll(try peer.receiveExactly(5))
            return true
          }
          return isDone == true
        }
        try client.sendAll("hello")
        #expect(try client.receiveExactly(5) == Array("hello".utf8))
        #expect(worker.join())
      }
    }

    // MARK: Streams

    @Test(arguments: BackendUnderTest.selected)
    func `descriptors without a byte are refused on a stream`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, _) = try Socket.pair()
        let control = [Socket.ControlMessage.descriptors([left.fileDescriptor])]
        let error = try failure { try left.sendMessage("", control: control) }
        #expect(error.code == .invalidArgument && error.call == "sendMessage")
        let (sender, receiver) = try Socket.pair(.seqpacket)
        try sender.sendMessage("", control: control)
        #expect(try receiveMessage(receiver).descriptors.count == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a stream does not mix the descriptors of two messages`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for flags in [Socket.ReceiveFlags(), .waitAll] {
          let (left, right) = try Socket.pair()
          let one = Socket.ControlMessage.descriptors([left.fileDescriptor])
          let two = Socket.ControlMessage.descriptors([left.fileDescriptor, right.fileDescriptor])
          try left.sendMessage("first", control: [one])
          try left.sendMessage("second", control: [two])
          var buffer = [UInt8](repeating: 0, count: 64)
          var counts: [[Int]] = []
          for _ in 0..<2 {
            let message = try right.receiveMessage(into: &buffer, flags: flags)
            counts.append([message.count, message.descriptors.count])
          }
          #expect(counts == [[5, 1], [6, 2]])
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `lists of descriptors in one message are one, odd ones too`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          let descriptors = Socket.ControlMessage.descriptors([
            left.fileDescriptor, right.fileDescriptor,
          ])
          try left.sendMessage("x", control: [descriptors, .descriptors([]), descriptors])
          #expect(try receiveMessage(right).descriptors.count == 4)
          try left.sendMessage("x", control: [.descriptors([])])
          #expect(try receiveMessage(right).descriptors.isEmpty)
          // Two descriptors and a part of a third.
          let odd = Socket.ControlMessage(
            level: descriptors.level, type: descriptors.type, bytes: descriptors.bytes + [0, 0])
          try left.sendMessage("x", control: [odd])
          #expect(try receiveMessage(right).descriptors.count == 2)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a descriptor that is not open is not sent`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          let control = Socket.ControlMessage.descriptors([
            left.fileDescriptor, .init(rawValue: 1_000_000),
          ])
          let sent = try failure { try left.sendMessage("x", control: [control]) }
          #expect(sent.isSystem(EBADF))
          let received = try failure { _ = try right.receiveText(timeout: .zero) }
          #expect(received.code == .timeout)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the sender's process comes as a descriptor where the kernel can`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          do throws(CoroutineError) {
            try right.setOption(.passProcessDescriptor, true)
          } catch {
            // Linux 6.5.
            guard error.isSystem(ENOPROTOOPT) else { throw error }
            return
          }
          try left.sendMessage("x")
          let message = try receiveMessage(right)
          #expect(message.descriptors.isEmpty && message.control.isEmpty)
          let process = try #require(message.processDescriptor)
          let number = process.fileDescriptor.rawValue
          #expect(isOpen(number) && isCloseOnExec(number))
          try process.close()
          #expect(!isOpen(number))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `descriptors and credentials come in one message`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          try right.setOption(.passCredentials, true)
          try left.sendMessage(
            "x", control: [.credentials(.own), .descriptors([left.fileDescriptor])])
          let message = try receiveMessage(right)
          #expect(message.descriptors.count == 1 && message.credentials == .own)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `descriptors that were peeked at are duplicates of their own`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          let canary = try Canary()
          try left.sendMessage("x", control: [canary.message])
          try canary.closeOriginal()
          var buffer = [UInt8](repeating: 0, count: 8)
          let peeked = try right.receiveMessage(into: &buffer, flags: .peek)
          #expect(peeked.descriptors.count == 1)
          _ = consume peeked
          try canary.expectOpen()
          let message = try receiveMessage(right)
          #expect(message.descriptors.count == 1)
          _ = consume message
          try canary.expectAllClosed()
        }
      }
    }
  }
}
