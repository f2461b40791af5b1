import CLinux
import Glibc
import Histogram

/// A closed loop on many connections: each sends a message, waits for it to come back whole, notes
/// how long that took, and sends the next.
///
/// One thread above epoll, with nothing of the library in it. The server's CPU time is read from
/// outside, so any program can be the server.
struct LoadGenerator {
  private struct Connection {
    let descriptor: CInt
    var unsent = 0
    var missing = 0
    var sentAt: Int64 = 0
  }

  private let connections: UnsafeMutableBufferPointer<Connection>
  private let message: UnsafeMutableRawBufferPointer
  private let epoll: CInt
  private var histogram = LatencyHistogram.ofLatencies()

  /// Connects.
  init(to target: LoadTarget, connections count: Int, size: Int) throws {
    epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
    message = .allocate(byteCount: size, alignment: 64)
    message.initializeMemory(as: UInt8.self, repeating: 0x78)
    connections = .allocate(capacity: count)
    for index in 0..<count {
      let descriptor = try target.connect()
      connections.initializeElement(at: index, to: Connection(descriptor: descriptor))
      let events = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLET.rawValue
      guard coro_epoll_add(epoll, descriptor, events, UInt64(index)) == 0 else {
        throw BenchError("The load generator's epoll_ctl failed with errno \(errno).")
      }
    }
  }

  /// Loads for `warmUp`, then measures for `duration`.
  ///
  /// - Parameter server: The process whose CPU time is measured, if it is on this machine.
  mutating func run(warmUp: Duration, duration: Duration, server: pid_t?) throws -> LoadResult {
    var now = coro_monotonic_ns()
    for index in connections.indices { try begin(index, now) }
    now = try keepBusy(until: now + warmUp.nanoseconds)

    histogram.reset()
    let serverStart = try server.map(ProcessorTime.of(process:)) ?? 0
    let generatorStart = ProcessorTime.now
    let start = now
    now = try keepBusy(until: start + duration.nanoseconds)

    var result = LoadResult()
    result.serverNanoseconds = (try server.map(ProcessorTime.of(process:)) ?? 0) - serverStart
    result.nanoseconds = now - start
    result.generatorNanoseconds = ProcessorTime.now - generatorStart
    result.requests = Int(histogram.totalCount)
    result.latencies = histogram
    return result
  }

  /// - Returns: The time at the end.
  private mutating func keepBusy(until end: Int64) throws -> Int64 {
    let capacity = 256
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
    defer { events.deallocate() }
    var now = coro_monotonic_ns()
    while now < end {
      let count = epoll_wait(epoll, events, CInt(capacity), 5000)
      now = coro_monotonic_ns()
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw BenchError("The server has not answered for 5 s.") }
      for number in 0..<Int(count) {
        try advance(Int(coro_epoll_data(events + number)), &now)
      }
    }
    return now
  }

  private func begin(_ index: Int, _ now: Int64) throws {
    connections[index].unsent = message.count
    connections[index].missing = message.count
    connections[index].sentAt = now
    try send(index)
  }

  /// Goes on with a connection until the kernel has to be waited for.
  private mutating func advance(_ index: Int, _ now: inout Int64) throws {
    if connections[index].unsent > 0 { try send(index) }
    while connections[index].missing > 0 {
      let count = recv(
        connections[index].descriptor, message.baseAddress, connections[index].missing,
        CInt(MSG_DONTWAIT))
      if count < 0, errno == EAGAIN || errno == EINTR { return }
      guard count > 0 else { throw BenchError("The server closed a connection (\(count)).") }
      connections[index].missing -= count
    }
    now = coro_monotonic_ns()
    histogram.record(UInt64(now - connections[index].sentAt))
    try begin(index, now)
  }

  private func send(_ index: Int) throws {
    while connections[index].unsent > 0 {
      let sent = message.count - connections[index].unsent
      let rest = UnsafeRawBufferPointer(rebasing: message[sent...])
      let count = CLinux.send(
        connections[index].descriptor, rest.baseAddress, rest.count,
        CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
      if count < 0, errno == EAGAIN || errno == EINTR { return }
      guard count > 0 else { throw BenchError("The server reset a connection (errno \(errno)).") }
      connections[index].unsent -= count
    }
  }
}
