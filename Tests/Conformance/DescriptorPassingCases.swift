import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Descriptors that travel with messages: whole, in order, owned, and none is leaked.
  @Suite struct DescriptorPassing {
    @Test(arguments: BackendUnderTest.selected)
    func `a passed descriptor is a duplicate of the sender's`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          let (reader, writer) = try Coroutine.pipe()
          #expect(
            try left.sendMessage("fd", control: [.descriptors([writer.fileDescriptor])]) == 2)
          var buffer = [UInt8](repeating: 0, count: 8)
          let message = try right.receiveMessage(into: &buffer)
          #expect(message.count == 2 && buffer[..<2] == ArraySlice("fd".utf8))
          #expect(message.descriptors.count == 1 && message.control.isEmpty)
          #expect(!message.isTruncated && !message.isControlTruncated)
          let end = try PipeEnd(taking: message.descriptors[0])
          #expect(end.number != writer.number)
          try writer.close()
          try end.writeAll("through it")
          #expect(try reader.readText() == "through it")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a passed descriptor is closed on exec`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        try left.sendMessage("x", control: [.descriptors([left.fileDescriptor])])
        let message = try receiveMessage(right)
        #expect(isCloseOnExec(message.descriptors[0].fileDescriptor.rawValue))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a receiver waits for a message with descriptors`(on backend: BackendUnderTest) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          let receiver = spawn { try receiveMessage(right).descriptors.count }
          #expect(!receiver.hasEnded)
          let canary = try Canary()
          try left.sendMessage("x", control: [canary.message(copies: 2)])
          #expect(try receiver.value() == 2)
          try canary.closeOriginal()
          try canary.expectAllClosed()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `253 descriptors keep their order, and more are refused`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (left, right) = try Socket.pair()
        let pipes = try (0..<3).map { _ in try Coroutine.pipe() }
        let passed = (0..<253).map { pipes[$0 % 3].reader.fileDescriptor }
        try left.sendMessage("x", control: [.descriptors(passed)])
        let message = try receiveMessage(right)
        #expect(message.descriptors.count == 253 && !message.isControlTruncated)
        var statuses: [UInt] = []
        for descriptor in message.descriptors.map(\.fileDescriptor) + passed {
          var status = stat()
          #expect(fstat(descriptor.rawValue, &status) == 0)
          statuses.append(UInt(status.st_ino))
        }
        #expect(statuses[..<253] == statuses[253...])
        let many = Array(repeating: left.fileDescriptor, count: 254)
        let refusal = try failure { try left.sendMessage("x", control: [.descriptors(many)]) }
        #expect(refusal.code == .invalidArgument && refusal.description.contains("253"))
        let half = Array(repeating: left.fileDescriptor, count: 127)
        let sum = try failure {
          try left.sendMessage("x", control: [.descriptors(half), .descriptors(half)])
        }
        #expect(sum.code == .invalidArgument && sum.description.contains("254 descriptors"))
        withExtendedLifetime(pipes) {}
      }
    }

    // MARK: Nothing leaks

    @Test(arguments: BackendUnderTest.selected)
    func `descriptors that nobody takes are closed with the message`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          let canary = try Canary()
          try left.sendMessage("x", control: [canary.message(copies: 5)])
          try canary.closeOriginal()
          let message = try receiveMessage(right)
          try canary.expectOpen()
          try withExtendedLifetime(message) { try canary.expectOpen() }
          _ = consume message
          try canary.expectAllClosed()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a control buffer that is too small is flagged and leaks nothing`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        // Room for none, for one to the byte, for one and padding, for two, three and four.
        let capacities = [(0, 0), (8, 0), (16, 0), (20, 1), (24, 2), (28, 3), (31, 3), (32, 4)]
        for (capacity, count) in capacities {
          try forEachUnixPair { left, right in
            let canary = try Canary()
            try left.sendMessage("x", control: [canary.message(copies: 5)])
            try canary.closeOriginal()
            let message = try receiveMessage(right, capacity: capacity)
            #expect(message.count == 1 && message.isControlTruncated, "\(capacity)")
            #expect(message.descriptors.count == count, "\(capacity)")
            if count > 0 { try canary.expectOpen() }
            _ = consume message
            try canary.expectAllClosed("\(capacity)")
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a plain receive gets the bytes and leaks no descriptor`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          for isWaiting in [false, true] {
            let canary = try Canary()
            let receiver = isWaiting ? spawn { try right.receiveText() } : nil
            try left.sendMessage("bytes", control: [canary.message(copies: 3)])
            #expect(try receiver?.value() ?? right.receiveText() == "bytes")
            try canary.closeOriginal()
            try canary.expectAllClosed()
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `receiveFrom and vectored receives leak no descriptor`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          let canary = try Canary()
          for _ in 0..<2 { try left.sendMessage("bytes", control: [canary.message]) }
          var buffer = [UInt8](repeating: 0, count: 8)
          #expect(try right.receiveFrom(into: &buffer).count == 5)
          var buffers = [[UInt8](repeating: 0, count: 3), [UInt8](repeating: 0, count: 5)]
          #expect(try right.receive(vectored: &buffers) == 5)
          try canary.closeOriginal()
          try canary.expectAllClosed()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `descriptors that were never received go with the socket`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          let canary = try Canary()
          try left.sendMessage("x", control: [canary.message])
          try canary.closeOriginal()
          try canary.expectOpen()
          try right.close()
          try left.close()
          try canary.expectAllClosed()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a timeout takes no descriptor, and the next call gets it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try forEachUnixPair { left, right in
          for timeout in [Duration.zero, .milliseconds(1)] {
            let error = try failure { _ = try receiveMessage(right, timeout: timeout) }
            #expect(error.code == .timeout && error.call == "receiveMessage")
          }
          let canary = try Canary()
          try left.sendMessage("x", control: [canary.message])
          try canary.closeOriginal()
          let message = try receiveMessage(right)
          #expect(message.descriptors.count == 1)
          _ = consume message
          try canary.expectAllClosed()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `descriptors that race with a timeout are received or stay`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for delay in 0..<20 {
          let (left, right) = try Socket.pair(.seqpacket)
          let canary = try Canary()
          let receiver = spawn { () throws -> Int in
            do throws(CoroutineError) {
              var buffer = [UInt8](repeating: 0, count: 8)
              return try right.receiveMessage(into: &buffer, timeout: .milliseconds(1))
                .descriptors.count
            } catch {
              switch error.code {
              case .timeout: return 0
              default: throw error
              }
            }
          }
          try Coroutine.sleep(for: .microseconds(900 + delay * 10))
          try left.sendMessage("x", control: [canary.message])
          try canary.closeOriginal()
          if try receiver.value() == 0 { #expect(try receiveMessage(right).descriptors.count == 1) }
          try canary.expectAllClosed()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `descriptors that race with a cancellation are received or stay`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for isSettled in [false, true] {
          let (left, right) = try Socket.pair(.seqpacket)
          let canary = try Canary()
          var count: Int?
          let target = Coroutine { count = try receiveMessage(right).descriptors.count }
          target.start()
          try left.sendMessage("x", control: [canary.message])
          try canary.closeOriginal()
          if isSettled { try settle() }
          target.cancel()
          try target.join()
          if count == nil { #expect(try receiveMessage(right).descriptors.count == 1) }
          if isSettled { #expect(count == 1) }
          try canary.expectAllClosed()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who is woken by close leaks no descriptor`(on backend: BackendUnderTest) throws {
      try backend.run {
        for isSentFirst in [false, true] {
          let (left, right) = try Socket.pair()
          let canary = try Canary()
          let receiver = spawn { try receiveMessage(right).descriptors.count }
          if isSentFirst { try left.sendMessage("x", control: [canary.message]) }
          try right.close()
          if isSentFirst {
            // Received or not: both are right, and neither leaks.
            _ = errorCode { _ = try receiver.value() }
          } else {
            #expect(try receiver.error().code == .closed)
          }
          try canary.closeOriginal()
          try canary.expectAllClosed()
        }
      }
    }
  }
}

// MARK: - Helpers

/// A pipe whose writing end is passed around: while a copy of it is open anywhere the reader
/// waits, and afterwards it sees the end.
struct Canary {
  let reader: PipeEnd
  private let writer: PipeEnd

  init() throws {
    (reader, writer) = try Coroutine.pipe()
  }

  var message: Socket.ControlMessage { .descriptors([writer.fileDescriptor]) }
  func message(copies: Int) -> Socket.ControlMessage {
    .descriptors(Array(repeating: writer.fileDescriptor, count: copies))
  }

  func closeOriginal() throws { try writer.close() }

  func expectAllClosed(_ comment: Comment? = nil) throws {
    #expect(try reader.readText(timeout: .seconds(10)) == "", comment)
  }

  func expectOpen() throws {
    #expect(try failure { _ = try reader.readText(timeout: .zero) }.code == .timeout)
  }
}

func forEachUnixPair(_ body: (Socket, Socket) throws -> Void) throws {
  for kind in [Socket.Kind.stream, .datagram, .seqpacket] {
    let (left, right) = try Socket.pair(kind)
    try body(left, right)
  }
}

func receiveMessage(
  _ socket: Socket, capacity: Int = Socket.controlCapacityDefault, timeout: Duration? = nil
) throws -> Socket.Message {
  var buffer = [UInt8](repeating: 0, count: 64)
  return try socket.receiveMessage(
    into: &buffer, controlCapacity: capacity, timeout: timeout)
}
