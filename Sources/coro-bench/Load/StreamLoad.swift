/// Keeps messages on their way on each of many connections: whenever one has come back whole, its
/// latency is noted and another one is sent.
struct StreamLoad: Load {
  private struct Connection {
    let descriptor: CInt
    /// Bytes of the messages on their way that the socket has not taken.
    var unsent: Int
    /// Bytes of the oldest message on its way that have not come back.
    var missing: Int
    var sendTimes: SendTimes
    var awaitsRoom = false
    var isAnswered = false
  }

  let events: EventPoll
  private let size: Int
  private var answeredCount = 0
  private let connections: UnsafeMutableBufferPointer<Connection>
  /// When each message was sent, for all connections.
  private let times: UnsafeMutableBufferPointer<Int64>
  /// All that a connection can have on its way; what was received is of no interest.
  private let messages: UnsafeMutableRawBufferPointer

  /// Connects.
  ///
  /// - Parameter depth: How many messages each connection has on its way.
  init(to target: LoadTarget, connections count: Int, size: Int, depth: Int) throws {
    events = try EventPoll()
    self.size = size
    messages = .allocate(byteCount: size * depth, alignment: 64)
    messages.initializeMemory(as: UInt8.self, repeating: 0x78)
    times = .allocate(capacity: count * depth)
    connections = .allocate(capacity: count)
    for index in 0..<count {
      let descriptor = try target.connect()
      try events.add(descriptor, as: index)
      let memory = UnsafeMutableBufferPointer(rebasing: times[index * depth..<(index + 1) * depth])
      connections.initializeElement(
        at: index,
        to: Connection(
          descriptor: descriptor, unsent: size * depth, missing: size,
          sendTimes: SendTimes(in: memory, sentAt: 0)))
    }
  }

  func deallocate() {
    events.deallocate()
    messages.deallocate()
    times.deallocate()
    connections.deallocate()
  }

  var isWarm: Bool { answeredCount == connections.count }

  func begin(_ meter: inout LoadMeter) throws {
    for index in connections.indices {
      meter.readClock()
      for _ in 0..<messages.count / size {
        _ = connections[index].sendTimes.replaceOldest(with: meter.now)
      }
      try send(index)
    }
  }

  mutating func advance(_ event: EventPoll.Event, _ meter: inout LoadMeter) throws {
    if event.hasRoom { try send(event.number) }
    if event.isReadable { try receive(event.number, &meter) }
  }

  private mutating func receive(_ number: Int, _ meter: inout LoadMeter) throws {
    // Never more than this can be there: no second call is needed to know that there is nothing.
    let most = messages.count - (size - connections[number].missing)
    let count = try receiveSome(connections[number].descriptor, messages, most)
    if count == 0 { return }
    var rest = count - connections[number].missing
    if rest >= 0 {
      meter.readClock()
      if !connections[number].isAnswered {
        connections[number].isAnswered = true
        answeredCount += 1
      }
      while rest >= 0 {
        meter.record(sentAt: connections[number].sendTimes.replaceOldest(with: meter.now))
        connections[number].unsent += size
        rest -= size
      }
      try send(number)
    }
    connections[number].missing = -rest
  }

  private func send(_ number: Int) throws {
    connections[number].unsent -= try sendSome(
      connections[number].descriptor, messages, connections[number].unsent)
    let awaitsRoom = connections[number].unsent > 0
    guard awaitsRoom != connections[number].awaitsRoom else { return }
    connections[number].awaitsRoom = awaitsRoom
    try events.setAwaitsRoom(awaitsRoom, connections[number].descriptor, as: number)
  }
}
