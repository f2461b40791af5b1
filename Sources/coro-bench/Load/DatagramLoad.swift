import CLinux
import Glibc

/// Keeps one datagram on its way on each of many sockets.
///
/// Each has a number, so that one that comes back after it was given up is not taken for its
/// successor.
struct DatagramLoad: Load {
  /// What a datagram begins with.
  typealias SerialNumber = UInt32

  private struct Connection {
    let descriptor: CInt
    var serialNumber: SerialNumber = 0
    var sentAt: Int64 = 0
  }

  /// After this time a datagram is given up.
  private static let limitInNanoseconds: Int64 = 100_000_000
  private static let intervalOfLooking: Int64 = 10_000_000

  let events: EventPoll
  private let connections: UnsafeMutableBufferPointer<Connection>
  /// Has a byte more than a datagram, to find one that has grown.
  private let buffer: UnsafeMutableRawBufferPointer
  private let size: Int
  private var lastLook: Int64 = 0

  init(to target: LoadTarget, connections count: Int, size: Int) throws {
    events = try EventPoll()
    self.size = size
    buffer = .allocate(byteCount: size + 1, alignment: 64)
    buffer.initializeMemory(as: UInt8.self, repeating: 0x78)
    connections = .allocate(capacity: count)
    for number in 0..<count {
      let descriptor = try target.connect()
      try events.add(descriptor, as: number)
      connections.initializeElement(at: number, to: Connection(descriptor: descriptor))
    }
  }

  func deallocate() {
    events.deallocate()
    buffer.deallocate()
    connections.deallocate()
  }

  func begin(_ meter: inout LoadMeter) throws {
    for number in connections.indices { try send(number, &meter) }
  }

  func advance(_ event: EventPoll.Event, _ meter: inout LoadMeter) throws {
    let number = event.number
    // Only one that was given up before leaves a second one to be received.
    while true {
      let count = try receiveSome(connections[number].descriptor, buffer, buffer.count)
      if count == 0 { return }
      guard count == size else { throw BenchError("A datagram came back with another length.") }
      if buffer.load(as: SerialNumber.self) == connections[number].serialNumber { break }
    }
    meter.readClock()
    meter.record(sentAt: connections[number].sentAt)
    try send(number, &meter)
  }

  static let patienceInMilliseconds: CInt = 10

  mutating func makeGood(_ meter: inout LoadMeter) throws {
    guard meter.now - lastLook >= Self.intervalOfLooking else { return }
    lastLook = meter.now
    for number in connections.indices
    where meter.now - connections[number].sentAt >= Self.limitInNanoseconds {
      meter.lost += 1
      try send(number, &meter)
    }
  }

  /// One for which there is no room is lost, as it is when the server has none.
  private func send(_ number: Int, _ meter: inout LoadMeter) throws {
    connections[number].serialNumber &+= 1
    connections[number].sentAt = meter.now
    buffer.storeBytes(of: connections[number].serialNumber, as: SerialNumber.self)
    _ = try sendSome(connections[number].descriptor, buffer, size)
  }
}
