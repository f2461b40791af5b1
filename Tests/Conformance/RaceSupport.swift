import CLinux
import CoroutineAPI
import Glibc
import Testing

/// A kind of call that can wait, for cases that race it against something else.
///
/// It deals in units: a byte, a datagram, a connection. What it got and what is still to be had
/// must add up to what there was, whoever won.
struct Racer: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let make: @Sendable () throws -> Rig

  /// What such a call is made on.
  class Rig {
    init() throws {}

    /// Makes the call, which takes one unit if it succeeds.
    func attempt(_ timeout: Duration?) throws {}

    /// Lets the kernel finish one call, without suspending.
    func satisfy() throws {}

    /// Closes what the call waits on; false where there is nothing to close.
    func close() throws -> Bool { false }

    /// How many units are still to be had.
    func remaining() throws -> Int {
      var count = 0
      while try succeeds({ try attempt(.zero) }) { count += 1 }
      return count
    }

    /// Leaves no unit to be had.
    func exhaust() throws { while try remaining() > 0 {} }

    /// False if the call times out.
    func succeeds(_ body: () throws -> Void) throws -> Bool {
      do {
        try body()
        return true
      } catch {
        guard (error as? CoroutineError)?.code == .timeout else { throw error }
        return false
      }
    }
  }

  static let transfers: [Racer] = [
    Racer(testDescription: "receive, TCP") { try Receiving(.inet) },
    Racer(testDescription: "receive, Unix") { try Receiving(.socketPair) },
    Racer(testDescription: "receiveFrom, UDP") { try DatagramReceiving(.inet) },
    Racer(testDescription: "receiveFrom, Unix") { try DatagramReceiving(.unix) },
    Racer(testDescription: "accept, TCP") { try Accepting(inetListener()) },
    Racer(testDescription: "accept, Unix") { try Accepting(unixListener()) },
    Racer(testDescription: "send") { try Sending() },
    Racer(testDescription: "read") { try Reading() },
    Racer(testDescription: "write") { try Writing() },
  ]

  /// What is tried again with pauses, since the kernel tells of no room.
  static let retried: [Racer] = [
    Racer(testDescription: "send to a full Unix queue") { try DatagramSending() },
    Racer(testDescription: "connect to a full Unix backlog") { try Connecting() },
  ]

  static let all: [Racer] = transfers + retried
}

// MARK: Receiving

private final class Receiving: Racer.Rig {
  private let client: Socket
  private let server: Socket

  init(_ transport: Transport) throws {
    (client, server) = try transport.pair()
    try super.init()
  }

  override func attempt(_ timeout: Duration?) throws {
    var byte: [UInt8] = [0]
    try #require(try server.receive(into: &byte, timeout: timeout) == 1)
  }

  override func satisfy() throws { #expect(try client.send("x", timeout: .zero) == 1) }

  override func close() throws -> Bool {
    try server.close()
    return true
  }
}

private final class DatagramReceiving: Racer.Rig {
  private let socket: Socket
  private let peer: Socket

  init(_ family: Socket.Family) throws {
    if family == .unix {
      (socket, peer) = try Coroutine.socketPair(.datagram)
    } else {
      socket = try inetDatagramSocket()
      peer = try inetDatagramSocket()
      try peer.connect(to: socket.localAddress)
    }
    try super.init()
  }

  override func attempt(_ timeout: Duration?) throws {
    var bytes = [UInt8](repeating: 0, count: 8)
    try #require(try socket.receiveFrom(into: &bytes, timeout: timeout).count == 5)
  }

  override func satisfy() throws { #expect(try peer.send("hello", timeout: .zero) == 5) }

  override func close() throws -> Bool {
    try socket.close()
    return true
  }
}

private final class Reading: Racer.Rig {
  private let reader: PipeEnd
  private let writer: PipeEnd

  override init() throws {
    (reader, writer) = try Coroutine.pipe()
    try super.init()
  }

  override func attempt(_ timeout: Duration?) throws {
    var byte: [UInt8] = [0]
    try #require(try reader.read(into: &byte, timeout: timeout) == 1)
  }

  // Not through the loop, which might pass it on by itself: see `PipePairs`.
  override func satisfy() throws { #expect(Glibc.write(writer.number, "x", 1) == 1) }

  override func close() throws -> Bool {
    try reader.close()
    return true
  }
}

private final class Accepting: Racer.Rig {
  private let listener: Socket
  private var clients: [CInt] = []

  init(_ listener: Socket) throws {
    self.listener = listener
    try super.init()
  }

  deinit { for client in clients { _ = CLinux.close(client) } }

  override func attempt(_ timeout: Duration?) throws {
    _ = try listener.accept(timeout: timeout)
  }

  override func satisfy() throws {
    // By the C function: connecting through the library may suspend.
    clients.append(try connectPlainly(to: listener.localAddress, of: listener))
  }

  override func close() throws -> Bool {
    try listener.close()
    return true
  }
}

/// A plain socket that is connected to where `listener` listens; it blocks the thread until then.
func connectPlainly(to address: Socket.Address, of listener: Socket) throws -> CInt {
  var name = sockaddr_storage()
  var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
  let descriptor = CLinux.socket(
    address.family.rawValue, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
  let result = withUnsafeMutablePointer(to: &name) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
      _ = getsockname(listener.number, name, &length)
      return CLinux.connect(descriptor, name, length)
    }
  }
  try #require(descriptor >= 0 && result == 0)
  return descriptor
}

// MARK: Sending

/// Calls that wait for room: a unit is had if it arrives at the other end.
private final class Sending: Racer.Rig {
  private let socket: Socket
  private let peer: Socket

  override init() throws {
    (socket, peer) = try Coroutine.socketPair()
    try super.init()
    try exhaust()
  }

  override func attempt(_ timeout: Duration?) throws {
    try #require(try socket.send("!", timeout: timeout) == 1)
  }

  // All of it: a Unix socket tells of room once its buffer is down to a part.
  override func satisfy() throws {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while recv(peer.number, &bytes, bytes.count, CInt(MSG_DONTWAIT)) > 0 {}
  }

  override func exhaust() throws { _ = try socket.fill() }

  override func close() throws -> Bool {
    try socket.close()
    return true
  }

  // What there is room for is of no number: one unit, had or not.
  override func remaining() throws -> Int { try succeeds { try attempt(.zero) } ? 1 : 0 }
}

private final class Writing: Racer.Rig {
  private let reader: PipeEnd
  private let writer: PipeEnd

  override init() throws {
    (reader, writer) = try Coroutine.pipe()
    try super.init()
    try exhaust()
  }

  override func attempt(_ timeout: Duration?) throws {
    try #require(try writer.write("!", timeout: timeout) == 1)
  }

  // A page of a pipe has room again once all of it was read; all of them were filled.
  override func satisfy() throws {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    try #require(Glibc.read(reader.number, &bytes, bytes.count) > 0)
  }

  override func exhaust() throws { _ = try writer.fill() }

  override func close() throws -> Bool {
    try writer.close()
    return true
  }

  override func remaining() throws -> Int { try succeeds { try attempt(.zero) } ? 1 : 0 }
}

private final class DatagramSending: Racer.Rig {
  private let sender: Socket
  private let receiver: Socket
  private let address: Socket.Address

  override init() throws {
    address = try .unix(abstract: uniqueName())
    receiver = try datagramSocket(address)
    sender = try Coroutine.socket(.unix, .datagram)
    try super.init()
    while try succeeds({ try attempt(.zero) }) {}
  }

  override func attempt(_ timeout: Duration?) throws {
    try #require(try sender.send("!", to: address, timeout: timeout) == 1)
  }

  override func satisfy() throws {
    var byte: UInt8 = 0
    #expect(recv(receiver.number, &byte, 1, CInt(MSG_DONTWAIT)) == 1)
  }
}

private final class Connecting: Racer.Rig {
  private let listener: Socket
  private var accepted: [CInt] = []
  private var connected: [Socket] = []

  override init() throws {
    listener = try unixListener(backlog: 0)
    try super.init()
    while try succeeds({ try attempt(.zero) }) {}
  }

  deinit { for descriptor in accepted { _ = CLinux.close(descriptor) } }

  override func attempt(_ timeout: Duration?) throws {
    let socket = try Coroutine.socket(.unix, .stream)
    try socket.connect(to: listener.localAddress, timeout: timeout)
    connected.append(socket)
  }

  override func satisfy() throws {
    let descriptor = coro_accept4(listener.number, nil, nil, CInt(SOCK_CLOEXEC.rawValue))
    try #require(descriptor >= 0)
    accepted.append(descriptor)
  }
}
