import CLinux
import Glibc

/// Groups of receivers (ip(7), ipv6(7)).
extension Socket {
  /// Joins a multicast group: what is sent to it is received.
  ///
  /// Does not suspend. The corresponding C function is `setsockopt` with MCAST_JOIN_GROUP or
  /// MCAST_JOIN_SOURCE_GROUP.
  ///
  /// - Parameters:
  ///   - group: The group's address, of the socket's family; its port does not matter.
  ///   - interface: The network interface by its name ("eth0") or number; nil: the group's scope
  ///     ("ff02::1%eth0") says it, or the kernel chooses.
  ///   - source: Only what this host sends is received.
  /// - Throws: `system` (EADDRINUSE if it is joined, EINVAL if it is no group, ENODEV),
  ///   `invalidArgument` if there is no such interface, `closed`, `misuse` where there is no loop.
  public func joinGroup(
    _ group: Address, interface: String? = nil, source: Address? = nil
  ) throws(CoroutineError) {
    try changeGroup(
      source == nil ? MCAST_JOIN_GROUP : MCAST_JOIN_SOURCE_GROUP, "joinGroup", group, interface,
      source)
  }

  /// Leaves a group, with the same parameters as `joinGroup` was called with.
  ///
  /// Does not suspend. The corresponding C function is `setsockopt` with MCAST_LEAVE_GROUP or
  /// MCAST_LEAVE_SOURCE_GROUP.
  ///
  /// - Throws: `system` (EADDRNOTAVAIL if it is not joined), `invalidArgument`, `closed`, `misuse`
  ///   where there is no loop.
  public func leaveGroup(
    _ group: Address, interface: String? = nil, source: Address? = nil
  ) throws(CoroutineError) {
    try changeGroup(
      source == nil ? MCAST_LEAVE_GROUP : MCAST_LEAVE_SOURCE_GROUP, "leaveGroup", group, interface,
      source)
  }

  /// Says by which network interface multicast leaves.
  ///
  /// Does not suspend. The corresponding C function is `setsockopt` with IP_MULTICAST_IF or
  /// IPV6_MULTICAST_IF.
  ///
  /// - Parameter interface: Its name ("eth0") or number; nil: the kernel chooses.
  /// - Throws: `system`, `invalidArgument` if there is no such interface, `closed`, `misuse` where
  ///   there is no loop.
  public func setMulticastInterface(_ interface: String?) throws(CoroutineError) {
    let number = try Self.number(of: interface, "setMulticastInterface")
    if try option(.family) == .inet6 {
      return try setOption(.multicastInterface, Int(number))
    }
    var request = ip_mreqn()
    request.imr_ifindex = CInt(truncatingIfNeeded: number)
    let bytes = withUnsafeBytes(of: request) { [UInt8]($0) }
    try setOption(SocketOption("IP_MULTICAST_IF", CInt(IPPROTO_IP), IP_MULTICAST_IF), bytes)
  }

  private func changeGroup(
    _ name: CInt, _ call: StaticString, _ group: Address, _ interface: String?, _ source: Address?
  ) throws(CoroutineError) {
    // struct group_req and group_source_req: the interface, then one or two socket addresses.
    let number = interface == nil ? group.scope : try Self.number(of: interface, call)
    var request = withUnsafeBytes(of: UInt64(number)) { [UInt8]($0) }
    request += try group.padded
    if let source { request += try source.padded }
    let level = group.family == .inet6 ? CInt(IPPROTO_IPV6) : CInt(IPPROTO_IP)
    _ = try request.span.bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try self.call(
        call, .setOption(handle.descriptor, level: level, name: name, bytes),
        "\(group.host ?? group.description) with \(operands)")
    }
  }

  private static func number(
    of interface: String?, _ call: StaticString
  ) throws(CoroutineError) -> UInt32 {
    guard let interface else { return 0 }
    let number = Socket.Address.interfaceNumber(interface)
    if number == 0, interface != "0" {
      throw CoroutineError(
        .invalidArgument, call: call, operands: "\"\(interface)\"",
        detail: "no such network interface")
    }
    return number
  }
}

extension Socket.Address {
  /// As a sockaddr_storage.
  fileprivate var padded: [UInt8] {
    get throws(CoroutineError) {
      try withKernelAddress { address, length throws(CoroutineError) in
        let bytes = [UInt8](UnsafeRawBufferPointer(start: address, count: Int(length)))
        let size = MemoryLayout<sockaddr_storage>.size
        return bytes + [UInt8](repeating: 0, count: size - bytes.count)
      }
    }
  }
}
