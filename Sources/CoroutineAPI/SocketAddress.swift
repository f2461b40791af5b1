import CLinux
import Glibc

extension Socket {
  /// Where a socket is, or shall connect to: an IPv4 or IPv6 address with a port, or a Unix name.
  ///
  /// Prints and parses as people write it: `127.0.0.1:80`, `[fe80::1%2]:80`, `unix:/run/x`,
  /// `unix:@abstract`. No names are looked up.
  public struct Address: Hashable, Sendable {
    enum Storage: Hashable, Sendable {
      /// Both in host byte order.
      case inet(UInt32, UInt16)
      case inet6(high: UInt64, low: UInt64, port: UInt16, flow: UInt32, scope: UInt32)
      case unixPath([UInt8])
      case unixAbstract([UInt8])
      case unixUnnamed
      /// A family that this library does not know.
      case other(CInt)
    }

    let storage: Storage

    init(_ storage: Storage) {
      self.storage = storage
    }

    // MARK: Making

    /// An IPv4 address.
    ///
    /// - Parameters:
    ///   - host: Four decimal numbers: "127.0.0.1"; "0.0.0.0" stands for every interface.
    ///   - port: 0–65535; 0 lets the kernel choose when bound to.
    /// - Throws: `invalidArgument`.
    public static func inet(_ host: String, port: Int) throws(CoroutineError) -> Address {
      var address = in_addr()
      // A zero byte would end the host for the C function.
      guard !host.utf8.contains(0), inet_pton(AF_INET, host, &address) == 1 else {
        throw invalid(host, "not an IPv4 address; names are not looked up")
      }
      return Address(.inet(UInt32(bigEndian: address.s_addr), try checked(port)))
    }

    /// An IPv6 address.
    ///
    /// - Parameters:
    ///   - host: "::1", or with a scope "fe80::1%eth0"; "::" stands for every interface.
    ///   - port: 0–65535; 0 lets the kernel choose when bound to.
    ///   - flowInformation: The flow label and traffic class (ipv6(7)); not part of the text.
    ///   - scope: The number of the interface, where the host has none.
    /// - Throws: `invalidArgument`.
    public static func inet6(
      _ host: String, port: Int, flowInformation: UInt32 = 0, scope: UInt32 = 0
    ) throws(CoroutineError) -> Address {
      let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
      var address = in6_addr()
      guard !host.utf8.contains(0), inet_pton(AF_INET6, String(parts[0]), &address) == 1 else {
        throw invalid(host, "not an IPv6 address; names are not looked up")
      }
      var interface = scope
      if parts.count == 2 {
        interface = interfaceNumber(String(parts[1]))
        if interface == 0 { throw invalid(host, "no such network interface") }
      }
      let (high, low) = withUnsafeBytes(of: &address) {
        (
          UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
          UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
      }
      return Address(
        .inet6(
          high: high, low: low, port: try checked(port), flow: flowInformation, scope: interface))
    }

    /// The number of an interface, given as one or by name; 0: there is none.
    static func interfaceNumber(_ text: String) -> UInt32 {
      // "+1" would be a number too.
      text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        ? UInt32(text) ?? 0 : if_nametoindex(text)
    }

    /// A Unix socket in the file system.
    ///
    /// - Parameter path: 1–108 bytes, none of them zero.
    /// - Throws: `invalidArgument`.
    public static func unix(path: String) throws(CoroutineError) -> Address {
      try unix(pathBytes: [UInt8](path.utf8))
    }

    /// A Unix socket in the file system, whose path need not be UTF-8.
    ///
    /// - Parameter path: 1–108 bytes, none of them zero.
    /// - Throws: `invalidArgument`.
    public static func unix(pathBytes path: [UInt8]) throws(CoroutineError) -> Address {
      guard !path.isEmpty, path.count <= 108, !path.contains(0) else {
        throw invalid(
          String(decoding: path, as: UTF8.self),
          "a socket's path has 1 to 108 bytes, none of them zero")
      }
      return Address(.unixPath(path))
    }

    /// A Unix socket in the abstract name space: no file, gone with the last socket (unix(7)).
    ///
    /// - Parameter name: 0–107 bytes, without the leading zero byte.
    /// - Throws: `invalidArgument`.
    public static func unix(abstract name: String) throws(CoroutineError) -> Address {
      try unix(abstractBytes: [UInt8](name.utf8))
    }

    /// A Unix socket in the abstract name space, whose name need not be UTF-8.
    ///
    /// - Parameter name: 0–107 bytes of any value, without the leading zero byte.
    /// - Throws: `invalidArgument`.
    public static func unix(abstractBytes name: [UInt8]) throws(CoroutineError) -> Address {
      guard name.count <= 107 else {
        throw invalid(
          "@\(String(decoding: name, as: UTF8.self))", "an abstract name has 0 to 107 bytes")
      }
      return Address(.unixAbstract(name))
    }

    /// A Unix socket without a name: bound to it, a socket is given an abstract one by the kernel.
    public static let unixUnnamed = Address(.unixUnnamed)

    private static func checked(_ port: Int) throws(CoroutineError) -> UInt16 {
      guard let number = UInt16(exactly: port) else {
        throw invalid("port \(port)", "a port lies between 0 and 65535")
      }
      return number
    }

    private static func invalid(_ operands: String, _ detail: String) -> CoroutineError {
      CoroutineError(
        .invalidArgument, call: "address", operands: "\"\(operands)\"", detail: detail)
    }

    // MARK: Asking

    /// The family that a socket must have to use this address.
    public var family: Family {
      switch storage {
      case .inet: .inet
      case .inet6: .inet6
      case .unixPath, .unixAbstract, .unixUnnamed: .unix
      case .other(let number): Family(rawValue: number)
      }
    }

    /// The numeric host, with the scope where there is one; nil for Unix sockets.
    public var host: String? {
      switch storage {
      case .inet(let address, _):
        var bytes = in_addr(s_addr: address.bigEndian)
        return Self.print(AF_INET, &bytes)
      case .inet6(let high, let low, _, _, let scope):
        var bytes = (high.bigEndian, low.bigEndian)
        return Self.print(AF_INET6, &bytes).map { scope == 0 ? $0 : "\($0)%\(scope)" }
      case .unixPath, .unixAbstract, .unixUnnamed, .other: return nil
      }
    }

    private static func print(_ family: CInt, _ address: UnsafeRawPointer) -> String? {
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
        inet_ntop(family, address, text.baseAddress, 64).map { String(cString: $0) }
      }
    }

    /// The port; nil for Unix sockets.
    public var port: Int? {
      switch storage {
      case .inet(_, let port), .inet6(_, _, let port, _, _): Int(port)
      case .unixPath, .unixAbstract, .unixUnnamed, .other: nil
      }
    }

    /// The number of the interface that an IPv6 address is of; 0: none is named.
    public var scope: UInt32 {
      if case .inet6(_, _, _, _, let scope) = storage { scope } else { 0 }
    }

    /// The flow label and traffic class of an IPv6 address (ipv6(7)).
    public var flowInformation: UInt32 {
      if case .inet6(_, _, _, let flow, _) = storage { flow } else { 0 }
    }

    /// The path of a Unix socket that has one.
    public var path: String? { pathBytes.map { String(decoding: $0, as: UTF8.self) } }

    /// The bytes of the path of a Unix socket that has one.
    public var pathBytes: [UInt8]? {
      if case .unixPath(let bytes) = storage { bytes } else { nil }
    }

    /// The abstract name of a Unix socket that has one.
    public var abstractName: String? {
      abstractBytes.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of the abstract name of a Unix socket that has one, without the leading zero byte.
    public var abstractBytes: [UInt8]? {
      if case .unixAbstract(let bytes) = storage { bytes } else { nil }
    }
  }
}

// MARK: - Printing and parsing

extension Socket.Address: LosslessStringConvertible {
  /// The address as text, or nil if it is none: `127.0.0.1:80`, `[::1]:80`, `unix:/run/x`,
  /// `unix:@name`.
  public init?(_ description: String) {
    do {
      try self.init(parsing: description)
    } catch {
      return nil
    }
  }

  /// The address as text.
  ///
  /// - Throws: `invalidArgument` with the reason.
  public init(parsing text: String) throws(CoroutineError) {
    // Bytes, not characters: a mark that combines with the colon or the "@" before it is part of
    // the name.
    let bytes = [UInt8](text.utf8)
    if bytes.starts(with: "unix:".utf8) {
      self = try Self.unix(bytes.dropFirst(5), text)
    } else if let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
      let port = Int(String(decoding: bytes[(colon + 1)...], as: UTF8.self)),
      bytes[colon + 1] != UInt8(ascii: "+"), bytes[colon + 1] != UInt8(ascii: "-")
    {
      let host = bytes[..<colon]
      if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
        let inner = String(decoding: host.dropFirst().dropLast(), as: UTF8.self)
        self = try .inet6(inner, port: port)
      } else {
        self = try .inet(String(decoding: host, as: UTF8.self), port: port)
      }
    } else {
      throw Self.invalid(text, "neither host:port, [host]:port nor unix:path")
    }
  }

  private static func unix(
    _ text: ArraySlice<UInt8>, _ whole: String
  ) throws(CoroutineError) -> Socket.Address {
    if text.isEmpty { return Self(.unixUnnamed) }
    let isAbstract = text.first == UInt8(ascii: "@")
    guard let name = UnixNameText.bytes(of: isAbstract ? text.dropFirst() : text) else {
      throw invalid(whole, "after a backslash comes another one, or x and two hexadecimal digits")
    }
    if isAbstract {
      guard name.count <= 107 else {
        throw invalid(whole, "an abstract name has 0 to 107 bytes")
      }
      return Self(.unixAbstract(name))
    }
    guard name.count <= 108, !name.contains(0) else {
      throw invalid(whole, "a socket's path has 1 to 108 bytes, none of them zero")
    }
    return Self(.unixPath(name))
  }

  /// The address as text, which `init(parsing:)` reads.
  ///
  /// In a Unix name, bytes that are no UTF-8 or a control character, and a path's leading "@", are
  /// printed as `\xFF`, and a backslash as two.
  public var description: String {
    switch storage {
    case .inet(_, let port): "\(host ?? "?"):\(port)"
    case .inet6(_, _, let port, _, _): "[\(host ?? "?")]:\(port)"
    case .unixPath(let bytes):
      // A leading "@" would read as an abstract name.
      "unix:\(UnixNameText.text(of: bytes, escapesFirst: bytes.first == UInt8(ascii: "@")))"
    case .unixAbstract(let bytes): "unix:@\(UnixNameText.text(of: bytes))"
    case .unixUnnamed: "unix:"
    case .other(let number): "family \(number)"
    }
  }
}
