import CLinux
import Glibc

/// Where a load is put, by the C library's means: the load has nothing of what it measures.
struct LoadTarget {
  private let bytes: [UInt8]
  private let family: CInt
  private let kind: CInt

  private var isTCP: Bool { family != AF_UNIX && kind == CInt(SOCK_STREAM.rawValue) }

  /// - Parameter text: "host:port" or "[host]:port".
  init(tcp text: String) throws { try self.init(text, CInt(SOCK_STREAM.rawValue)) }

  /// - Parameter text: "host:port" or "[host]:port".
  init(udp text: String) throws { try self.init(text, CInt(SOCK_DGRAM.rawValue)) }

  private init(_ text: String, _ kind: CInt) throws {
    guard let colon = text.lastIndex(of: ":") else {
      throw BenchError("'\(text)' is no address: it must read host:port.")
    }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    var hints = addrinfo()
    hints.ai_socktype = kind
    var list: UnsafeMutablePointer<addrinfo>?
    let reason = getaddrinfo(host, String(text[text.index(after: colon)...]), &hints, &list)
    defer { if list != nil { freeaddrinfo(list) } }
    guard reason == 0, let first = list?.pointee else {
      throw BenchError("\(text): \(String(cString: gai_strerror(reason))).")
    }
    family = first.ai_family
    bytes = [UInt8](UnsafeRawBufferPointer(start: first.ai_addr, count: Int(first.ai_addrlen)))
    self.kind = kind
  }

  /// - Parameter name: A path, or @ and an abstract name.
  init(unix name: String) throws {
    let path = name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : Array(name.utf8) + [0]
    guard path.count <= 108 else { throw BenchError("'\(name)' is too long for a Unix socket.") }
    family = AF_UNIX
    bytes = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + path
    kind = CInt(SOCK_STREAM.rawValue)
  }

  /// A connected socket, in blocking mode.
  func connect() throws -> CInt {
    let descriptor = try makeSocket()
    guard connect(descriptor) == 0 else { throw failure("connect", descriptor) }
    if isTCP, !set(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY) {
      throw failure("setsockopt", descriptor)
    }
    return descriptor
  }

  /// A socket that connects, and may have done so already.
  ///
  /// It needs no TCP_NODELAY, since nothing follows the message that might have to wait for it.
  ///
  /// Whoever closes first keeps the pair of addresses and ports occupied for a minute (TIME_WAIT),
  /// and that is the load generator. 127.0.0.1 has some 28,000 ports, which many thousand exchanges
  /// a second would use up soon; so on loopback they come from 250 addresses in turn, and would
  /// need 100,000 a second to do so.
  ///
  /// - Parameter count: How many connections there were before.
  func startConnecting(from count: Int) throws -> CInt {
    // A Unix socket can't connect in the background: it fails where the listener's queue is full.
    let descriptor = try makeSocket(flags: isTCP ? CInt(SOCK_NONBLOCK.rawValue) : 0)
    if isTCP, isLoopback, !bind(descriptor, toLoopbackAddress: 2 + count % 250) {
      throw failure("bind", descriptor)
    }
    guard connect(descriptor) == 0 || errno == EINPROGRESS else {
      throw failure("connect", descriptor)
    }
    return descriptor
  }

  /// An IPv4 address begins behind the family and the port, both of two bytes.
  private var isLoopback: Bool { family == AF_INET && bytes[4] == 127 }

  /// Without a port: it is chosen by the connection, which alone knows which pairs are free.
  private func bind(_ descriptor: CInt, toLoopbackAddress number: Int) -> Bool {
    // The C library's name for it, IP_BIND_ADDRESS_NO_PORT, is not there for Swift.
    guard set(descriptor, CInt(IPPROTO_IP), 24) else { return false }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(127 << 24 | number).bigEndian
    return withUnsafePointer(to: address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  private func makeSocket(flags: CInt = 0) throws -> CInt {
    let descriptor = socket(family, kind | CInt(SOCK_CLOEXEC.rawValue) | flags, 0)
    guard descriptor >= 0 else { throw BenchError(failureOf: "socket") }
    return descriptor
  }

  private func connect(_ descriptor: CInt) -> CInt {
    bytes.withUnsafeBytes { bytes in
      Glibc.connect(
        descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        socklen_t(bytes.count))
    }
  }

  private func set(_ descriptor: CInt, _ level: CInt, _ option: CInt) -> Bool {
    var on: CInt = 1
    return setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<CInt>.size)) == 0
  }

  private func failure(_ call: String, _ descriptor: CInt) -> BenchError {
    let error = BenchError(failureOf: call)
    close(descriptor)
    return error
  }
}
