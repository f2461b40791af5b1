import CLinux
import Glibc

/// Makes a connection for each message.
///
/// Each of many slots connects, sends a message, receives it back whole, says that it will send no
/// more, reads the end of file, closes, and begins anew. The latency is that from the beginning to
/// the end of file.
struct ExchangeLoad: Load {
  private struct Slot {
    var descriptor: CInt = -1
    var beganAt: Int64 = 0
    var unsent = 0
    var missing = 0
  }

  let events: EventPoll
  private let target: LoadTarget
  private let message: UnsafeMutableRawBufferPointer
  private let slots: UnsafeMutableBufferPointer<Slot>
  private var connectionCount = 0

  init(to target: LoadTarget, connections count: Int, size: Int) throws {
    events = try EventPoll()
    self.target = target
    message = .allocate(byteCount: size, alignment: 64)
    message.initializeMemory(as: UInt8.self, repeating: 0x78)
    slots = .allocate(capacity: count)
    slots.initialize(repeating: Slot())
  }

  func deallocate() {
    events.deallocate()
    message.deallocate()
    slots.deallocate()
  }

  mutating func begin(_ meter: inout LoadMeter) throws {
    for number in slots.indices { try connect(number, &meter) }
  }

  mutating func advance(_ event: EventPoll.Event, _ meter: inout LoadMeter) throws {
    let number = event.number
    if event.hasRoom { try send(number) }
    guard event.isReadable else { return }
    if slots[number].missing > 0 {
      try receive(number)
    } else if try isAtEndOfFile(number) {
      meter.readClock()
      meter.record(sentAt: slots[number].beganAt)
      close(slots[number].descriptor)
      try connect(number, &meter)
    }
  }

  private mutating func connect(_ number: Int, _ meter: inout LoadMeter) throws {
    meter.readClock()
    let descriptor = try target.startConnecting(from: connectionCount)
    connectionCount += 1
    slots[number] = Slot(
      descriptor: descriptor, beganAt: meter.now, unsent: message.count, missing: message.count)
    // On loopback the connection is made by now.
    slots[number].unsent -= try sendSome(descriptor, message, message.count)
    try events.add(descriptor, as: number, awaitsRoom: slots[number].unsent > 0)
  }

  private func send(_ number: Int) throws {
    slots[number].unsent -= try sendSome(slots[number].descriptor, message, slots[number].unsent)
  }

  private func receive(_ number: Int) throws {
    let descriptor = slots[number].descriptor
    slots[number].missing -= try receiveSome(descriptor, message, slots[number].missing)
    guard slots[number].missing == 0 else { return }
    guard shutdown(descriptor, CInt(SHUT_WR)) == 0 else { throw BenchError(failureOf: "shutdown") }
  }

  private func isAtEndOfFile(_ number: Int) throws -> Bool {
    let count = recv(slots[number].descriptor, message.baseAddress, 1, CInt(MSG_DONTWAIT))
    if count < 0, errno == EAGAIN { return false }
    guard count >= 0 else { throw BenchError(failureOf: "recv") }
    guard count == 0 else { throw BenchError("The server has sent more than it got.") }
    return true
  }
}
