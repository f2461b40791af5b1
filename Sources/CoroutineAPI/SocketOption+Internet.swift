import CLinux

// The options of TCP, IPv4 and IPv6 (tcp(7), ip(7), ipv6(7)).

extension SocketOption where Value == Bool {
  /// TCP_NODELAY: small writes are sent at once (tcp(7)).
  public static let noDelay = SocketOption("TCP_NODELAY", CInt(IPPROTO_TCP), TCP_NODELAY)
  /// TCP_CORK: no partial packets until it is off again, for 200 ms at most.
  public static let cork = SocketOption("TCP_CORK", CInt(IPPROTO_TCP), TCP_CORK)
  /// TCP_QUICKACK: acknowledge at once; the kernel turns it off again by itself.
  public static let quickAcknowledgement = SocketOption(
    "TCP_QUICKACK", CInt(IPPROTO_TCP), TCP_QUICKACK)
  /// TCP_FASTOPEN_CONNECT: `connect` returns at once, and the first data go with the connection.
  public static let fastOpenConnect = SocketOption(
    "TCP_FASTOPEN_CONNECT", CInt(IPPROTO_TCP), TCP_FASTOPEN_CONNECT)
  /// IPV6_V6ONLY: no IPv4 through mapped addresses (ipv6(7)).
  public static let ipv6Only = SocketOption("IPV6_V6ONLY", CInt(IPPROTO_IPV6), IPV6_V6ONLY)
  /// IP_PKTINFO: each datagram brings its destination and interface.
  public static let receivePacketInformation = SocketOption(
    "IP_PKTINFO", CInt(IPPROTO_IP), IP_PKTINFO)
  /// IPV6_RECVPKTINFO: each datagram brings its destination and interface.
  public static let ipv6ReceivePacketInformation = SocketOption(
    "IPV6_RECVPKTINFO", CInt(IPPROTO_IPV6), IPV6_RECVPKTINFO)
  /// IP_RECVTTL: each datagram brings its time to live.
  public static let receiveHopLimit = SocketOption("IP_RECVTTL", CInt(IPPROTO_IP), IP_RECVTTL)
  /// IPV6_RECVHOPLIMIT: each datagram brings its hop limit.
  public static let ipv6ReceiveHopLimit = SocketOption(
    "IPV6_RECVHOPLIMIT", CInt(IPPROTO_IPV6), IPV6_RECVHOPLIMIT)
  /// IP_RECVTOS: each datagram brings its type of service.
  public static let receiveTypeOfService = SocketOption("IP_RECVTOS", CInt(IPPROTO_IP), IP_RECVTOS)
  /// IPV6_RECVTCLASS: each datagram brings its traffic class.
  public static let ipv6ReceiveTrafficClass = SocketOption(
    "IPV6_RECVTCLASS", CInt(IPPROTO_IPV6), IPV6_RECVTCLASS)
  /// IP_RECVERR: errors of the network are told, and queued with their origin (`.errorQueue`).
  public static let receiveErrors = SocketOption("IP_RECVERR", CInt(IPPROTO_IP), IP_RECVERR)
  /// IPV6_RECVERR: errors of the network are told, and queued with their origin.
  public static let ipv6ReceiveErrors = SocketOption(
    "IPV6_RECVERR", CInt(IPPROTO_IPV6), IPV6_RECVERR)
  /// IP_FREEBIND: bind to an address that is not there, or not yet.
  public static let freeBind = SocketOption("IP_FREEBIND", CInt(IPPROTO_IP), IP_FREEBIND)
  /// IP_MULTICAST_LOOP: this machine hears its own multicast; on at first.
  public static let multicastLoop = SocketOption(
    "IP_MULTICAST_LOOP", CInt(IPPROTO_IP), IP_MULTICAST_LOOP)
  /// IPV6_MULTICAST_LOOP: this machine hears its own multicast; on at first.
  public static let ipv6MulticastLoop = SocketOption(
    "IPV6_MULTICAST_LOOP", CInt(IPPROTO_IPV6), IPV6_MULTICAST_LOOP)
  /// IP_MULTICAST_ALL: hear also groups that other sockets joined; on at first.
  public static let multicastAll = SocketOption(
    "IP_MULTICAST_ALL", CInt(IPPROTO_IP), IP_MULTICAST_ALL)
  /// IPV6_MULTICAST_ALL: hear also groups that other sockets joined; on at first (Linux 4.20).
  public static let ipv6MulticastAll = SocketOption("IPV6_MULTICAST_ALL", CInt(IPPROTO_IPV6), 29)
}

extension SocketOption where Value == Int {
  /// TCP_KEEPCNT: after how many unanswered probes the connection is dropped, 1–127.
  public static let keepAliveCount = SocketOption("TCP_KEEPCNT", CInt(IPPROTO_TCP), TCP_KEEPCNT)
  /// TCP_MAXSEG, in bytes: the longest segment; less than the interface's packets.
  public static let maximumSegmentSize = SocketOption("TCP_MAXSEG", CInt(IPPROTO_TCP), TCP_MAXSEG)
  /// TCP_FASTOPEN: how many connections with early data may wait to be accepted.
  public static let fastOpen = SocketOption("TCP_FASTOPEN", CInt(IPPROTO_TCP), TCP_FASTOPEN)
  /// TCP_NOTSENT_LOWAT, in bytes: with more that is unsent, nobody who waits to send is woken.
  public static let notSentLowWatermark = SocketOption(
    "TCP_NOTSENT_LOWAT", CInt(IPPROTO_TCP), TCP_NOTSENT_LOWAT, in: 0...0x7fff_ffff)
  /// TCP_SYNCNT: how often a connection is asked for, 1–127.
  public static let synCount = SocketOption("TCP_SYNCNT", CInt(IPPROTO_TCP), TCP_SYNCNT)
  /// IP_TTL: the hops a packet may make, 1–255 (ip(7)).
  public static let timeToLive = SocketOption("IP_TTL", CInt(IPPROTO_IP), IP_TTL)
  /// IP_TOS, 0–255: on streams the two lowest bits are the kernel's.
  public static let typeOfService = SocketOption("IP_TOS", CInt(IPPROTO_IP), IP_TOS, in: 0...255)
  /// IPV6_UNICAST_HOPS: the hops a packet may make, 0–255; -1: as the route has it.
  public static let hopLimit = SocketOption(
    "IPV6_UNICAST_HOPS", CInt(IPPROTO_IPV6), IPV6_UNICAST_HOPS)
  /// IPV6_TCLASS, 0–255; -1: as the kernel has it.
  public static let trafficClass = SocketOption("IPV6_TCLASS", CInt(IPPROTO_IPV6), IPV6_TCLASS)
  /// IP_MULTICAST_TTL: the hops a multicast packet may make, 0–255; 1 at first.
  public static let multicastTimeToLive = SocketOption(
    "IP_MULTICAST_TTL", CInt(IPPROTO_IP), IP_MULTICAST_TTL, in: 0...255)
  /// IPV6_MULTICAST_HOPS: the hops a multicast packet may make, 0–255; -1: 1.
  public static let multicastHopLimit = SocketOption(
    "IPV6_MULTICAST_HOPS", CInt(IPPROTO_IPV6), IPV6_MULTICAST_HOPS)
  /// IPV6_MULTICAST_IF: the number of the interface that multicast leaves by; 0: any.
  ///
  /// For both families see `Socket.setMulticastInterface(_:)`.
  public static let multicastInterface = SocketOption(
    "IPV6_MULTICAST_IF", CInt(IPPROTO_IPV6), IPV6_MULTICAST_IF)
}

extension SocketOption where Value == Duration {
  /// TCP_KEEPIDLE, in seconds: how long a connection is idle before it is probed.
  public static let keepAliveIdle = SocketOption("TCP_KEEPIDLE", CInt(IPPROTO_TCP), TCP_KEEPIDLE)
  /// TCP_KEEPINTVL, in seconds: between two probes.
  public static let keepAliveInterval = SocketOption(
    "TCP_KEEPINTVL", CInt(IPPROTO_TCP), TCP_KEEPINTVL)
  /// TCP_USER_TIMEOUT, in milliseconds: unacknowledged for so long, a connection is dropped.
  ///
  /// Zero: as the system has it.
  public static let userTimeout = SocketOption(
    "TCP_USER_TIMEOUT", CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, unit: .milliseconds(1))
  /// TCP_DEFER_ACCEPT, in seconds: a connection is accepted when its first data come; the kernel
  /// rounds it to a number of retransmissions.
  public static let deferAccept = SocketOption(
    "TCP_DEFER_ACCEPT", CInt(IPPROTO_TCP), TCP_DEFER_ACCEPT)
}

extension SocketOption where Value == String {
  /// TCP_CONGESTION: the algorithm, "cubic" or another.
  public static let congestionControl = SocketOption(
    "TCP_CONGESTION", CInt(IPPROTO_TCP), TCP_CONGESTION)
}
