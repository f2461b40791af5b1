import CLinux
import Glibc

/// Where a load is put, by the C library's means: the load has nothing of what it measures.
struct LoadTarget {
  private let family: CInt
  private let bytes: [UInt8]
  private let isTCP: Bool

  /// - Parameter text: "host:port" or "[host]:port".
  init(tcp text: String) throws {
    guard let colon = text.lastIndex(of: ":") else {
      throw BenchError("'\(text)' is no address: it must read host:port.")
    }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    var hints = addrinfo()
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let reason = getaddrinfo(host, String(text[text.index(after: colon)...]), &hints, &list)
    defer { if list != nil { freeaddrinfo(list) } }
    guard reason == 0, let first = list?.pointee else {
      throw BenchError("\(text): \(String(cString: gai_strerror(reason))).")
    }
    family = first.ai_family
    bytes = [UInt8](UnsafeRawBufferPointer(start: first.ai_addr, count: Int(first.ai_addrlen)))
    isTCP = true
  }

  /// - Parameter name: A path, or @ and an abstract name.
  init(unix name: String) throws {
    let path = name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : Array(name.utf8) + [0]
    guard path.count <= 108 else { throw BenchError("'\(name)' is too long for a Unix socket.") }
    family = AF_UNIX
    bytes = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + path
    isTCP = false
  }

  /// A connected socket, in blocking mode.
  func connect() throws -> CInt {
    let descriptor = socket(family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure("socket") }
    let result = bytes.withUnsafeBytes { bytes in
      Glibc.connect(
        descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        socklen_t(bytes.count))
    }
    guard result == 0 else {
      let error = failure("connect")
      close(descriptor)
      throw error
    }
    if isTCP {
      var on: CInt = 1
      _ = setsockopt(
        descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
    }
    return descriptor
  }

  private func failure(_ call: String) -> BenchError {
    BenchError("The load generator's \(call) failed: \(String(cString: strerror(errno))).")
  }
}
