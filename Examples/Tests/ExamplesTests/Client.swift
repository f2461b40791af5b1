import Glibc
import Testing

/// A connection as any other program would make it: blocking calls, on a thread of its own.
final class Client: Sendable {
  private let socket: CInt

  /// Connects to a port of 127.0.0.1.
  init(port: UInt16) throws {
    socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    try #require(socket >= 0)
    _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
    // What does not come within this time never comes.
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0, "connect: \(String(cString: strerror(errno)))")
  }

  deinit { close(socket) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      try #require(count > 0, "send: \(String(cString: strerror(errno)))")
      sent += count
    }
  }

  func send(_ text: String) throws { try send([UInt8](text.utf8)) }

  func endSending() { shutdown(socket, CInt(SHUT_WR)) }

  /// Up to so many bytes, fewer at the end.
  func receive(_ count: Int = .max) throws -> [UInt8] {
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while result.count < count {
      let received = recv(socket, &buffer, min(buffer.count, count - result.count), 0)
      try #require(received >= 0, "recv: \(String(cString: strerror(errno)))")
      if received == 0 { break }
      result += buffer[..<received]
    }
    return result
  }

  func nextLine() throws -> String {
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let waiting = recv(socket, &buffer, buffer.count, CInt(MSG_PEEK))
      try #require(waiting > 0, "no line came")
      let end = buffer[..<waiting].firstIndex(of: UInt8(ascii: "\n"))
      line += try receive(end.map { $0 + 1 } ?? waiting)
      if end != nil { return String(decoding: line.dropLast(), as: UTF8.self) }
    }
  }

  /// Has the end of this client be a reset, as of one that vanished.
  func resetAtEnd() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }
}

/// So many bytes that no other seed has.
func pattern(_ count: Int, seed: Int) -> [UInt8] {
  var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state)
  }
}

/// Runs `body` for each number on a thread of its own, and waits for all of them.
///
/// Returns what went wrong in any of them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) -> [String] {
  final class Job: @unchecked Sendable {  // Its error is read after its thread has ended.
    let run: () throws -> Void
    var failure: String?
    init(_ run: @escaping () throws -> Void) { self.run = run }
  }
  let jobs = (0..<count).map { number in Job { try body(number) } }
  let threads = jobs.map { job in
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
        do { try job.run() } catch { job.failure = "\(error)" }
        return nil
      }, Unmanaged.passRetained(job).toOpaque())
    return thread
  }
  for thread in threads { pthread_join(thread, nil) }
  return jobs.compactMap(\.failure)
}
