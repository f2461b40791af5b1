import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// `timeout:` on every call that can block: nil, zero, negative, positive.
  @Suite struct Timeouts {
    /// Checks that `call` fails at once, without letting anyone else run.
    ///
    /// Now and then any call yields, so that busy coroutines starve nobody: hence a few attempts.
    private func neverSuspends(
      _ name: String, _ operands: String, sourceLocation: SourceLocation = #_sourceLocation,
      _ call: (Duration) throws -> Void
    ) throws {
      for timeout in [Duration.zero, .seconds(-1), .seconds(Int64.min)] {
        var suspensions = 0
        var hasOtherRun = true
        while hasOtherRun, suspensions < 100 {
          hasOtherRun = false
          let other = spawn {
            try Coroutine.sleep(0)
            hasOtherRun = true
          }
          let error = try failure(sourceLocation: sourceLocation) { try call(timeout) }
          try expired(error, name, operands, sourceLocation: sourceLocation)
          if !hasOtherRun { break }
          suspensions += 1
          try other.value()
        }
        #expect(!hasOtherRun, "it suspends", sourceLocation: sourceLocation)
      }
    }

    private func expired(
      _ error: CoroutineError, _ name: String, _ operands: String,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      #expect(error.code == .timeout, sourceLocation: sourceLocation)
      #expect(error.call == name && error.operands == operands, sourceLocation: sourceLocation)
      #expect(error.description == "\(name) \(operands): timed out", sourceLocation: sourceLocation)
      #expect(error.errno == nil, sourceLocation: sourceLocation)
    }

    /// Checks that `call` suspends, and fails when its time is up and not before.
    private func expires(
      _ name: String, _ operands: String, sourceLocation: SourceLocation = #_sourceLocation,
      _ call: (Duration) throws -> Void
    ) throws {
      let start = Instant.now
      var hasOtherRun = false
      let other = spawn {
        try Coroutine.sleep(0)
        hasOtherRun = true
      }
      let error = try failure(sourceLocation: sourceLocation) { try call(.milliseconds(3)) }
      #expect(Instant.now - start >= .milliseconds(3), sourceLocation: sourceLocation)
      #expect(hasOtherRun, sourceLocation: sourceLocation)
      try expired(error, name, operands, sourceLocation: sourceLocation)
      try other.value()
    }

    // MARK: Each call

    @Test(arguments: BackendUnderTest.selected)
    func `receive times out and takes nothing`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let operands = "from socket \(server.number)"
          for _ in 0..<2 {
            try neverSuspends("receive", operands) { _ = try server.receiveText(timeout: $0) }
            try expires("receive", operands) { _ = try server.receiveText(timeout: $0) }
            try client.sendAll("whole")
            #expect(try server.receiveText() == "whole", "\(transport)")
          }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `receiveFrom times out and takes nothing`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = (try inetDatagramSocket(), try inetDatagramSocket())
        let operands = "from socket \(right.number)"
        var buffer = [UInt8](repeating: 0, count: 8)
        func receive(_ timeout: Duration) throws {
          _ = try right.receiveFrom(into: &buffer, timeout: timeout)
        }
        try neverSuspends("receiveFrom", operands, receive)
        try expires("receiveFrom", operands, receive)
        try left.send("whole", to: right.localAddress)
        let (count, sender) = try right.receiveFrom(into: &buffer)
        #expect(count == 5)
        #expect(try sender == left.localAddress)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `accept times out and loses nobody`(on backend: BackendUnderTest) throws {
      try backend.run {
        for listener in [try inetListener(), try unixListener()] {
          let operands = "on socket \(listener.number)"
          try neverSuspends("accept", operands) { _ = try listener.accept(timeout: $0) }
          try expires("accept", operands) { _ = try listener.accept(timeout: $0) }
          let client = try connected(to: listener)
          try client.sendAll("here")
          #expect(try listener.accept().receiveText() == "here")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `connect to a full TCP backlog times out`(on backend: BackendUnderTest) throws {
      try backend.run {
        let listener = try inetListener(backlog: 0)
        let address = try listener.localAddress
        let first = try connected(to: listener)
        for isZero in [true, false] {
          let socket = try Coroutine.socket(.inet, .stream)
          if isZero {
            let error = try failure { try socket.connect(to: address, timeout: .zero) }
            try expired(error, "connect", "to \(address)")
          } else {
            try expires("connect", "to \(address)") {
              try socket.connect(to: address, timeout: $0)
            }
          }
          try socket.close()
        }
        try first.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `connect to a full Unix backlog times out`(on backend: BackendUnderTest) throws {
      try backend.run {
        let listener = try unixListener(backlog: 0)
        let address = try listener.localAddress
        let first = try connected(to: listener)
        let socket = try Coroutine.socket(.unix, .stream)
        try neverSuspends("connect", "to \(address)") {
          try socket.connect(to: address, timeout: $0)
        }
        try expires("connect", "to \(address)") { try socket.connect(to: address, timeout: $0) }
        _ = try listener.accept()
        try socket.connect(to: address)
        try first.close()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `send to a full socket times out`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let size = try client.fill()
          let operands = "to socket \(client.number)"
          try neverSuspends("send", operands) { _ = try client.send("more", timeout: $0) }
          try expires("send", operands) { _ = try client.send("more", timeout: $0) }
          try client.shutdown(.sending)
          #expect(try server.receivePattern() == size, "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `sendAll to a full socket times out`(on backend: BackendUnderTest) throws {
      try backend.run {
        try Transport.forEachPair { transport, client, server in
          let size = try client.fill()
          let operands = "to socket \(client.number)"
          try neverSuspends("sendAll", operands) { try client.sendAll("more", timeout: $0) }
          try expires("sendAll", operands) { try client.sendAll("more", timeout: $0) }
          try client.shutdown(.sending)
          #expect(try server.receivePattern() == size, "\(transport)")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the timeout of sendAll is for the whole`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        // A reader that takes a little every millisecond: each piece comes in time, but not all.
        var isOver = false
        let reader = spawn {
          var buffer = [UInt8](repeating: 0, count: 4096)
          while !isOver {
            _ = try? right.receive(into: &buffer, timeout: .zero)
            try Coroutine.sleep(for: .milliseconds(1))
          }
        }
        let bytes = [UInt8](repeating: 0, count: 64 << 20)
        let error = try failure { try left.sendAll(bytes, timeout: .milliseconds(15)) }
        #expect(error.code == .timeout && error.call == "sendAll")
        isOver = true
        try reader.value()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `read times out and takes nothing`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let operands = "from pipe \(reader.number)"
        for _ in 0..<2 {
          try neverSuspends("read", operands) { _ = try reader.readText(timeout: $0) }
          try expires("read", operands) { _ = try reader.readText(timeout: $0) }
          try writer.writeAll("whole")
          #expect(try reader.readText() == "whole")
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `write and writeAll to a full pipe time out`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let size = try writer.fill()
        let operands = "to pipe \(writer.number)"
        try neverSuspends("write", operands) { _ = try writer.write("more", timeout: $0) }
        try expires("write", operands) { _ = try writer.write("more", timeout: $0) }
        try neverSuspends("writeAll", operands) { try writer.writeAll("more", timeout: $0) }
        try expires("writeAll", operands) { try writer.writeAll("more", timeout: $0) }
        var buffer = [UInt8](repeating: 0, count: size + 100)
        #expect(try reader.read(into: &buffer) == size)
      }
    }
  }
}
