import CLinux
import Glibc
public import SystemPackage

extension Socket {
  /// Who sent something, as the kernel vouches for it (unix(7)).
  public struct Credentials: Hashable, Sendable {
    /// The process.
    public var processID: Int32
    /// Its user.
    public var userID: UInt32
    /// Its group.
    public var groupID: UInt32

    /// These credentials: the kernel lets nobody but root send others than the process's own.
    public init(processID: Int32, userID: UInt32, groupID: UInt32) {
      self.processID = processID
      self.userID = userID
      self.groupID = groupID
    }

    /// The calling process's own.
    public static var own: Credentials {
      Credentials(processID: getpid(), userID: getuid(), groupID: getgid())
    }
  }

  /// Where a datagram went to: the control message IP_PKTINFO or IPV6_PKTINFO.
  public struct PacketInformation: Hashable, Sendable {
    /// The address, with port 0: the destination of what was received, the source of what is sent.
    public var address: Address
    /// The number of the network interface; 0: any.
    public var interface: UInt32

    /// An address, whose port does not matter, and an interface.
    public init(address: Address, interface: UInt32 = 0) {
      self.address = address
      self.interface = interface
    }
  }

  /// What travels beside the bytes of a message (cmsg(3)): a level, a type and data.
  ///
  /// Descriptors that are received are not among them: see `Message.descriptors`.
  public struct ControlMessage: Hashable, Sendable {
    /// SOL_SOCKET and its like.
    public let level: CInt
    /// SCM_CREDENTIALS and its like.
    public let type: CInt
    /// The data, in the machine's byte order.
    public let bytes: [UInt8]

    /// A control message of any kind.
    public init(level: CInt, type: CInt, bytes: [UInt8]) {
      self.level = level
      self.type = type
      self.bytes = bytes
    }

    // MARK: Making

    /// SCM_RIGHTS: the receiver gets duplicates of these descriptors, 253 at most.
    ///
    /// They stay the sender's, and must be open until `sendMessage` returns.
    public static func descriptors(_ descriptors: [FileDescriptor]) -> ControlMessage {
      ControlMessage(
        level: SOL_SOCKET, type: scmRights, bytes: descriptors.flatMap { bytes(of: $0.rawValue) })
    }

    /// SCM_CREDENTIALS.
    public static func credentials(_ credentials: Credentials) -> ControlMessage {
      ControlMessage(level: SOL_SOCKET, type: scmCredentials, bytes: credentials.bytes)
    }

    /// IP_PKTINFO or IPV6_PKTINFO: which address and interface a datagram leaves from.
    public static func packetInformation(_ information: PacketInformation) -> ControlMessage {
      switch information.address.storage {
      case .inet6(let high, let low, _, _, let scope):
        ControlMessage(
          level: CInt(IPPROTO_IPV6), type: IPV6_PKTINFO,
          bytes: bytes(of: high.bigEndian) + bytes(of: low.bigEndian)
            + bytes(of: information.interface == 0 ? scope : information.interface))
      case .inet(let address, _):
        ControlMessage(
          level: CInt(IPPROTO_IP), type: IP_PKTINFO,
          bytes: bytes(of: information.interface) + bytes(of: address.bigEndian)
            + bytes(of: UInt32(0)))
      case .unixPath, .unixAbstract, .unixUnnamed, .other:
        // Neither address is one of a network. IPv4 refuses it, IPv6 passes it over.
        ControlMessage(level: CInt(IPPROTO_IP), type: IP_PKTINFO, bytes: [])
      }
    }

    /// IP_TTL or IPV6_HOPLIMIT: the hops that one datagram may make.
    public static func hopLimit(_ hops: Int, _ family: Family) -> ControlMessage {
      let (level, type) =
        family == .inet6 ? (CInt(IPPROTO_IPV6), IPV6_HOPLIMIT) : (CInt(IPPROTO_IP), IP_TTL)
      return ControlMessage(level: level, type: type, bytes: bytes(of: CInt(clamping: hops)))
    }

    // MARK: Asking

    /// SCM_CREDENTIALS, with `.passCredentials`; nil for any other.
    public var credentials: Credentials? {
      guard level == SOL_SOCKET, type == Self.scmCredentials else { return nil }
      return Credentials(bytes)
    }

    /// IP_PKTINFO or IPV6_PKTINFO, with `.receivePacketInformation`; nil for any other.
    public var packetInformation: PacketInformation? {
      if level == CInt(IPPROTO_IP), type == IP_PKTINFO, bytes.count >= 12 {
        let address = UInt32(bigEndian: value(at: 8))
        return PacketInformation(address: Address(.inet(address, 0)), interface: value(at: 0))
      }
      if level == CInt(IPPROTO_IPV6), type == IPV6_PKTINFO, bytes.count >= 20 {
        let (high, low) = (UInt64(bigEndian: value(at: 0)), UInt64(bigEndian: value(at: 8)))
        let interface: UInt32 = value(at: 16)
        // fe80::/10 says nothing without its interface, nor does a group of the interface or link.
        let isOfInterface =
          high >> 54 == 0xfe80 >> 6 || high >> 56 == 0xff && 1...2 ~= (high >> 48) & 0xf
        let address = Address(
          .inet6(high: high, low: low, port: 0, flow: 0, scope: isOfInterface ? interface : 0))
        return PacketInformation(address: address, interface: interface)
      }
      return nil
    }

    /// IP_TTL or IPV6_HOPLIMIT, with `.receiveHopLimit`; nil for any other.
    public var hopLimit: Int? {
      let isHopLimit =
        (level == CInt(IPPROTO_IP) && type == IP_TTL)
        || (level == CInt(IPPROTO_IPV6) && type == IPV6_HOPLIMIT)
      return isHopLimit && bytes.count >= 4 ? Int(value(at: 0) as CInt) : nil
    }

    /// IP_TOS or IPV6_TCLASS, with `.receiveTypeOfService`; nil for any other.
    public var typeOfService: Int? {
      if level == CInt(IPPROTO_IP), type == IP_TOS { return bytes.first.map { Int($0) } }
      guard level == CInt(IPPROTO_IPV6), type == IPV6_TCLASS, bytes.count >= 4 else { return nil }
      return Int(value(at: 0) as CInt)
    }

    /// SCM_TIMESTAMPNS, with `.timestamp`: when the packet arrived, since 1970; nil for any other.
    public var timestamp: Duration? {
      guard level == SOL_SOCKET, type == Self.scmTimestamp, bytes.count >= 16 else { return nil }
      return .seconds(value(at: 0) as Int64) + .nanoseconds(value(at: 8) as Int64)
    }

    // MARK: Space

    /// How much of `controlCapacity` a control message with so many bytes of data takes:
    /// CMSG_SPACE.
    ///
    /// Of a count that no call takes, a capacity that none takes either.
    public static func space(forBytes count: Int) -> Int {
      headerSize + aligned(min(max(0, count), Socket.controlCapacityMax))
    }

    /// How much of `controlCapacity` so many descriptors take.
    public static func space(forDescriptors count: Int) -> Int {
      space(
        forBytes: min(max(0, count), Socket.controlCapacityMax) * MemoryLayout<CInt>.size)
    }
  }
}

// MARK: - As the kernel takes them

extension Socket.ControlMessage {
  /// SCM_MAX_FD.
  static let descriptorCountMax = 253
  static let scmRights: CInt = 1
  static let scmCredentials: CInt = 2
  static let scmProcessDescriptor: CInt = 4
  /// SO_TIMESTAMPNS, whose macro Swift can't import.
  static let scmTimestamp: CInt = 35
  private static let headerSize = MemoryLayout<cmsghdr>.size

  private static func aligned(_ count: Int) -> Int {
    (count + 7) & ~7
  }

  var isDescriptors: Bool { level == SOL_SOCKET && type == Self.scmRights }
  var isProcessDescriptor: Bool { level == SOL_SOCKET && type == Self.scmProcessDescriptor }

  /// Its data as descriptors.
  var descriptorNumbers: [CInt] {
    stride(from: 0, through: bytes.count - 4, by: 4).map { value(at: $0) as CInt }
  }

  static func space(for messages: [Self]) -> Int {
    messages.reduce(0) { $0 + space(forBytes: $1.bytes.count) }
  }

  /// Writes the messages one behind the other into a buffer that is as large as `space(for:)` says.
  static func write(_ messages: [Self], to buffer: UnsafeMutableRawBufferPointer) {
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    var offset = 0
    for message in messages {
      var header = cmsghdr()
      header.cmsg_len = headerSize + message.bytes.count
      header.cmsg_level = message.level
      header.cmsg_type = message.type
      buffer.storeBytes(of: header, toByteOffset: offset, as: cmsghdr.self)
      buffer[(offset + headerSize)...].copyBytes(from: message.bytes)
      offset += space(forBytes: message.bytes.count)
    }
  }

  /// Calls `body` with each message that lies whole in what the kernel stored.
  ///
  /// Where it had no room for more it shortened the last message, and the length in its header.
  static func forEach(in stored: UnsafeRawBufferPointer, _ body: (Self) -> Void) {
    var offset = 0
    while offset + headerSize <= stored.count {
      let header = stored.loadUnaligned(fromByteOffset: offset, as: cmsghdr.self)
      let length = Int(header.cmsg_len)
      guard length >= headerSize, length <= stored.count - offset else { return }
      let data = stored[(offset + headerSize)..<(offset + length)]
      body(Self(level: header.cmsg_level, type: header.cmsg_type, bytes: [UInt8](data)))
      offset += aligned(length)
    }
  }

  private static func bytes<Value: BitwiseCopyable>(of value: Value) -> [UInt8] {
    withUnsafeBytes(of: value) { [UInt8]($0) }
  }

  private func value<Value: BitwiseCopyable>(at offset: Int) -> Value {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
  }
}

extension Socket.Credentials {
  /// struct ucred.
  var bytes: [UInt8] {
    withUnsafeBytes(of: (processID, userID, groupID)) { [UInt8]($0) }
  }

  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 12 else { return nil }
    self = bytes.withUnsafeBytes {
      Self(
        processID: $0.loadUnaligned(as: Int32.self),
        userID: $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
        groupID: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }
  }
}
