import CLinux

extension Socket.Address {
  /// Calls `body` with the address as the kernel takes it, valid during the call.
  func withKernelAddress<Result>(
    _ body: (UnsafePointer<sockaddr>, socklen_t) throws(CoroutineError) -> Result
  ) throws(CoroutineError) -> Result {
    var buffer = sockaddr_storage()
    let length = write(to: &buffer)
    return try withUnsafePointer(to: &buffer) { storage throws(CoroutineError) in
      try storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        address throws(CoroutineError) in try body(address, length)
      }
    }
  }

  private func write(to buffer: inout sockaddr_storage) -> socklen_t {
    withUnsafeMutableBytes(of: &buffer) { bytes in
      switch storage {
      case .inet(let address, let port):
        var value = sockaddr_in()
        value.sin_family = sa_family_t(AF_INET)
        value.sin_port = port.bigEndian
        value.sin_addr.s_addr = address.bigEndian
        bytes.storeBytes(of: value, as: sockaddr_in.self)
        return socklen_t(MemoryLayout<sockaddr_in>.size)
      case .inet6(let high, let low, let port, let flow, let scope):
        var value = sockaddr_in6()
        value.sin6_family = sa_family_t(AF_INET6)
        value.sin6_port = port.bigEndian
        value.sin6_flowinfo = flow.bigEndian
        value.sin6_scope_id = scope
        withUnsafeMutableBytes(of: &value.sin6_addr) {
          $0.storeBytes(of: high.bigEndian, as: UInt64.self)
          $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        bytes.storeBytes(of: value, as: sockaddr_in6.self)
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
      case .unixPath(let path):
        bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
        bytes[2...].copyBytes(from: path)
        // The kernel needs no terminator; with one, others find a C string.
        return socklen_t(2 + min(path.count + 1, 108))
      case .unixAbstract(let name):
        bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
        bytes[3...].copyBytes(from: name)
        return socklen_t(3 + name.count)
      case .unixUnnamed:
        bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
        return 2
      case .other(let family):
        bytes.storeBytes(of: sa_family_t(truncatingIfNeeded: family), as: sa_family_t.self)
        return 2
      }
    }
  }

  /// The address that the kernel wrote.
  init(_ buffer: borrowing sockaddr_storage, length: socklen_t) {
    var copy = copy buffer
    self = withUnsafeBytes(of: &copy) { bytes in
      guard length >= 2 else { return Self(.unixUnnamed) }
      let family = CInt(bytes.loadUnaligned(as: sa_family_t.self))
      switch family {
      case AF_INET:
        let value = bytes.loadUnaligned(as: sockaddr_in.self)
        return Self(
          .inet(UInt32(bigEndian: value.sin_addr.s_addr), UInt16(bigEndian: value.sin_port)))
      case AF_INET6:
        let value = bytes.loadUnaligned(as: sockaddr_in6.self)
        return Self(
          .inet6(
            high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            port: UInt16(bigEndian: value.sin6_port), flow: UInt32(bigEndian: value.sin6_flowinfo),
            scope: value.sin6_scope_id))
      case AF_UNIX:
        let name = bytes[2..<min(Int(length), 110)]
        guard let first = name.first else { return Self(.unixUnnamed) }
        if first == 0 { return Self(.unixAbstract([UInt8](name.dropFirst()))) }
        return Self(.unixPath([UInt8](name.prefix { $0 != 0 })))
      default:
        return Self(.other(family))
      }
    }
  }
}
