import CoroutineAPI
import Glibc
import Synchronization
import Testing

// What the cases on sockets, pipes and other descriptors share.

// MARK: Coroutines

/// A coroutine whose result, or error, is for whoever waits for it.
final class Spawned<Value> {
  private final class Box {
    var result: Result<Value, any Error>?
  }

  private let box: Box
  let coroutine: Coroutine

  init(_ body: @escaping () throws -> Value) {
    let box = Box()
    self.box = box
    coroutine = Coroutine { box.result = Result { try body() } }
    coroutine.start()
  }

  /// Whether it has ended; if not, it waits for something.
  var hasEnded: Bool { box.result != nil }

  /// Suspends until it has ended.
  @discardableResult
  func value() throws -> Value {
    try coroutine.join()
    return try #require(box.result).get()
  }

  /// Suspends until it has ended, which must be by a `CoroutineError`.
  func error(sourceLocation: SourceLocation = #_sourceLocation) throws -> CoroutineError {
    try failure(sourceLocation: sourceLocation) { _ = try value() }
  }
}

/// Starts a coroutine that runs `body`, until it first waits.
func spawn<Value>(_ body: @escaping () throws -> Value) -> Spawned<Value> {
  Spawned(body)
}

/// Suspends until the loop has heard from the kernel of all that has happened by now, and whoever
/// waited for it has run: after that, what has not happened will not.
///
/// Two turns, because a completion may be found by the one that submits what follows it.
func settle() throws {
  for _ in 0..<2 {
    let (left, right) = try Coroutine.socketPair()
    let reader = spawn { try left.receiveText() }
    _ = try right.send("x", timeout: .zero)
    try reader.value()
  }
}

/// Suspends until `condition` holds, for ten seconds at most: for what no call tells of.
func eventually(
  sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
) throws {
  let deadline = Instant.now + .seconds(10)
  while try !condition() {
    try #require(Instant.now < deadline, "it never happened", sourceLocation: sourceLocation)
    try Coroutine.sleep(for: .microseconds(200))
  }
}

/// The error that `body` throws.
func failure(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) throws -> CoroutineError {
  try #require(throws: CoroutineError.self, sourceLocation: sourceLocation, performing: body)
}

/// The code of the error that `body` throws, or nil.
func errorCode(_ body: () throws -> Void) -> CoroutineError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? CoroutineError)?.code
  }
}

extension CoroutineError {
  /// Whether the kernel said `number`.
  func isSystem(_ number: CInt) -> Bool {
    code == .system && errno?.rawValue == number
  }
}

// MARK: Names

/// A directory of a case's own.
struct Scratch {
  private let directory: String

  /// Calls `body` with a new directory, which is removed afterwards with what is in it.
  static func with<Value>(_ body: (Scratch) throws -> Value) throws -> Value {
    var template = Array("/tmp/conformance-XXXXXX".utf8CString)
    let made = try #require(mkdtemp(&template))
    let scratch = Scratch(directory: String(cString: made))
    defer { scratch.remove() }
    return try body(scratch)
  }

  /// A path in it; `length` bytes long if given.
  func path(_ name: String = "socket", length: Int? = nil) -> String {
    let path = "\(directory)/\(name)"
    guard let length else { return path }
    return path + String(repeating: "x", count: length - path.utf8.count)
  }

  private func remove() {
    if let stream = opendir(directory) {
      while let entry = readdir(stream) {
        // In place: the kernel wrote no more of the entry than its name needs.
        let name = withUnsafeMutableBytes(of: &entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        unlink("\(directory)/\(name)")
      }
      closedir(stream)
    }
    rmdir(directory)
  }
}

/// An abstract name that nobody else uses.
func uniqueName() -> String {
  "conformance-\(getpid())-\(nameCount.add(1, ordering: .relaxed).newValue)"
}

private let nameCount = Atomic<Int>(0)

// MARK: Connections

/// The ways to a connected pair of stream sockets.
enum Transport: CaseIterable {
  case inet
  case inet6
  case unixPath
  case unixAbstract
  case socketPair

  /// Those with addresses to connect to.
  static let named: [Transport] = [.inet, .inet6, .unixPath, .unixAbstract]

  /// A socket that listens; nil for those without an address.
  func listener(_ scratch: Scratch, backlog: Int = 4096) throws -> Socket? {
    let address: Socket.Address
    switch self {
    case .inet: address = try .inet("127.0.0.1", port: 0)
    case .inet6: address = try .inet6("::1", port: 0)
    case .unixPath: address = try .unix(path: scratch.path(uniqueName()))
    case .unixAbstract: address = try .unix(abstract: uniqueName())
    case .socketPair: return nil
    }
    let listener = try Coroutine.socket(address.family, .stream)
    try listener.bind(to: address)
    try listener.listen(backlog: backlog)
    return listener
  }

  /// Two sockets that are connected with each other.
  func pair() throws -> (client: Socket, server: Socket) {
    try Scratch.with { scratch in
      guard let listener = try listener(scratch) else { return try Coroutine.socketPair() }
      let client = try connected(to: listener)
      return (client, try listener.accept())
    }
  }

  /// Calls `body` with a pair of each kind.
  static func forEachPair(_ body: (Transport, Socket, Socket) throws -> Void) throws {
    for transport in allCases {
      let (client, server) = try transport.pair()
      try body(transport, client, server)
    }
  }
}

/// A listener on a free port of 127.0.0.1.
func inetListener(backlog: Int = 4096) throws -> Socket {
  let listener = try Coroutine.socket(.inet, .stream)
  try listener.bind(to: .inet("127.0.0.1", port: 0))
  try listener.listen(backlog: backlog)
  return listener
}

/// A listener with an abstract name.
func unixListener(backlog: Int = 4096) throws -> Socket {
  let listener = try Coroutine.socket(.unix, .stream)
  try listener.bind(to: .unix(abstract: uniqueName()))
  try listener.listen(backlog: backlog)
  return listener
}

/// A new socket that is connected to `listener`, which need not accept it yet.
func connected(to listener: Socket) throws -> Socket {
  let address = try listener.localAddress
  let socket = try Coroutine.socket(address.family, .stream)
  try socket.connect(to: address)
  return socket
}

/// A datagram socket with an address.
func datagramSocket(_ address: Socket.Address) throws -> Socket {
  let socket = try Coroutine.socket(address.family, .datagram)
  try socket.bind(to: address)
  return socket
}

/// A datagram socket on a free port of 127.0.0.1.
func inetDatagramSocket() throws -> Socket {
  try datagramSocket(.inet("127.0.0.1", port: 0))
}

// MARK: Bytes

/// An endless text whose period is a prime, so that a byte that is lost, doubled or moved shows.
enum Pattern {
  static let period = 65_521
  private static let bytes: [UInt8] = {
    var state: UInt32 = 1
    let once = (0..<period).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(truncatingIfNeeded: state >> 24)
    }
    return once + once + once
  }()

  /// `count` bytes from `offset` on; at most two periods.
  static func bytes(at offset: Int, count: Int) -> ArraySlice<UInt8> {
    bytes[offset % period..<offset % period + count]
  }

  /// Whether the first `count` bytes of `buffer` are those at `offset`.
  static func matches(_ buffer: [UInt8], _ count: Int, at offset: Int) -> Bool {
    bytes(at: offset, count: count).withUnsafeBytes { expected in
      buffer.withUnsafeBytes {
        guard let left = $0.baseAddress, let right = expected.baseAddress else { return count == 0 }
        return memcmp(left, right, count) == 0
      }
    }
  }
}

extension Socket {
  /// Sends `count` bytes of the pattern, a piece at a time, and says that there are no more.
  func sendPattern(_ count: Int, piece: Int = 60_000) throws {
    var sent = 0
    while sent < count {
      let bytes = Pattern.bytes(at: sent, count: min(piece, count - sent))
      try sendAll(bytes)
      sent += bytes.count
    }
    try shutdown(.sending)
  }

  /// Receives the pattern until its end.
  ///
  /// - Returns: How many bytes; -1 if they were not the pattern.
  func receivePattern(buffer size: Int = 32_768) throws -> Int {
    var buffer = [UInt8](repeating: 0, count: size)
    var received = 0
    while case let count = try receive(into: &buffer), count > 0 {
      guard Pattern.matches(buffer, count, at: received) else { return -1 }
      received += count
    }
    return received
  }

  /// Receives exactly `count` bytes, fewer if the stream ends.
  func receiveExactly(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: count)
    while bytes.count < count {
      let received = try receive(into: &buffer[..<(count - bytes.count)])
      if received == 0 { break }
      bytes += buffer[..<received]
    }
    return bytes
  }

  /// Receives once, as text.
  func receiveText(timeout: Duration? = nil) throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = try receive(into: &buffer, timeout: timeout)
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// How many bytes TCP has sent and the peer not confirmed: room for as many may come up.
  private var unacknowledged: CInt {
    // SIOCOUTQ and SIOCOUTQNSD, which Glibc's module does not export; only TCP knows the latter.
    var (all, unsent): (CInt, CInt) = (0, 0)
    guard ioctl(number, 0x5411, &all) == 0, ioctl(number, 0x894B, &unsent) == 0 else { return 0 }
    return all - unsent
  }

  /// Sends pieces of the pattern until the kernel takes no more, now and a moment later: TCP moves
  /// bytes on from one buffer to the other.
  ///
  /// - Returns: How many bytes it took.
  func fill() throws -> Int {
    var sent = 0
    var sentBefore = -1
    while sent > sentBefore {
      sentBefore = sent
      do throws(CoroutineError) {
        while true { sent += try send(Pattern.bytes(at: sent, count: 60_000), timeout: .zero) }
      } catch {
        guard error.code == .timeout else { throw error }
      }
      try settle()
      while unacknowledged > 0 { try Coroutine.sleep(for: .milliseconds(1)) }
    }
    return sent
  }
}

extension PipeEnd {
  /// Reads one byte; 0 at the end.
  func readByte() throws -> UInt8 {
    var byte: [UInt8] = [0]
    return try read(into: &byte) == 1 ? byte[0] : 0
  }

  /// Reads once, as text.
  func readText(timeout: Duration? = nil) throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = try read(into: &buffer, timeout: timeout)
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Writes pieces of the pattern until the kernel takes no more.
  ///
  /// - Returns: How many bytes it took.
  func fill() throws -> Int {
    var written = 0
    while true {
      do throws(CoroutineError) {
        written += try write(Pattern.bytes(at: written, count: 4096), timeout: .zero)
      } catch {
        guard error.code == .timeout else { throw error }
        return written
      }
    }
  }
}

// MARK: Descriptors

/// The flags of a descriptor's open file (O_NONBLOCK and its like), or -1.
func statusFlags(_ descriptor: CInt) -> CInt {
  fcntl(descriptor, F_GETFL)
}

/// Whether a descriptor is closed when another program is executed.
func isCloseOnExec(_ descriptor: CInt) -> Bool {
  fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0
}

/// Whether there is such a descriptor.
func isOpen(_ descriptor: CInt) -> Bool {
  fcntl(descriptor, F_GETFD) >= 0
}

extension Socket {
  var number: CInt { fileDescriptor.rawValue }
}

extension PipeEnd {
  var number: CInt { fileDescriptor.rawValue }
}
