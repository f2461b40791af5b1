import CLinux

// The options that every kind of socket has, or Unix sockets (socket(7), unix(7)). Numbers stand
// where Swift can't import the macro, or older headers lack it.

extension SocketOption where Value == Bool {
  /// SO_REUSEADDR: bind although connections of an earlier server linger (socket(7)).
  public static let reuseAddress = SocketOption("SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR)
  /// SO_REUSEPORT: several sockets on one port share its connections.
  public static let reusePort = SocketOption("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT)
  /// SO_KEEPALIVE: probe an idle connection.
  public static let keepAlive = SocketOption("SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE)
  /// SO_BROADCAST: a datagram socket may send to broadcast addresses.
  public static let broadcast = SocketOption("SO_BROADCAST", SOL_SOCKET, SO_BROADCAST)
  /// SO_DONTROUTE: send to hosts on directly connected networks only.
  public static let dontRoute = SocketOption("SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE)
  /// SO_OOBINLINE: urgent data comes with the others.
  public static let outOfBandInline = SocketOption("SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE)
  /// SO_PASSCRED: each message brings its sender's credentials (unix(7)).
  public static let passCredentials = SocketOption("SO_PASSCRED", SOL_SOCKET, SO_PASSCRED)
  /// SO_PASSPIDFD: each message brings a descriptor of its sender's process (Linux 6.5).
  public static let passProcessDescriptor = SocketOption("SO_PASSPIDFD", SOL_SOCKET, 76)
  /// SO_TIMESTAMPNS: each message brings the time of its arrival.
  public static let timestamp = SocketOption("SO_TIMESTAMPNS", SOL_SOCKET, 35)
  /// SO_ACCEPTCONN: whether it listens.
  ///
  /// Read only.
  public static let isListening = SocketOption("SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN)
}

extension SocketOption where Value == Int {
  /// SO_SNDBUF, in bytes: the kernel doubles what is set, and reports the double.
  public static let sendBufferSize = SocketOption(
    "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, in: 0...0x7fff_ffff)
  /// SO_RCVBUF, in bytes: the kernel doubles what is set, and reports the double.
  public static let receiveBufferSize = SocketOption(
    "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, in: 0...0x7fff_ffff)
  /// SO_RCVLOWAT, in bytes: fewer wake nobody who waits on a stream; 0 is 1.
  public static let receiveLowWatermark = SocketOption(
    "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, in: 0...0x7fff_ffff)
  /// SO_SNDLOWAT, in bytes: always 1.
  ///
  /// Read only.
  public static let sendLowWatermark = SocketOption("SO_SNDLOWAT", SOL_SOCKET, SO_SNDLOWAT)
  /// SO_PRIORITY, 0–6; more needs CAP_NET_ADMIN.
  public static let priority = SocketOption("SO_PRIORITY", SOL_SOCKET, SO_PRIORITY)
  /// SO_MARK, for packet filters and routes; needs CAP_NET_ADMIN.
  public static let mark = SocketOption("SO_MARK", SOL_SOCKET, SO_MARK)
  /// SO_INCOMING_CPU: the processor that last handled the socket's packets.
  public static let incomingCPU = SocketOption("SO_INCOMING_CPU", SOL_SOCKET, 49)
  /// SO_PEEK_OFF: where in a Unix socket's queue the next peek begins; -1: at its head.
  public static let peekOffset = SocketOption("SO_PEEK_OFF", SOL_SOCKET, SO_PEEK_OFF)
  /// SO_PROTOCOL: IPPROTO_TCP and its like.
  ///
  /// Read only.
  public static let protocolNumber = SocketOption("SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL)
  /// SO_ERROR: the pending error as an errno value; reading clears it.
  ///
  /// Read only.
  public static let pendingError = SocketOption("SO_ERROR", SOL_SOCKET, SO_ERROR)
}

extension SocketOption where Value == Duration {
  /// SO_BUSY_POLL, in microseconds: how long a call spins on the network device's queue.
  public static let busyPoll = SocketOption("SO_BUSY_POLL", SOL_SOCKET, 46, unit: .microseconds(1))
}

extension SocketOption where Value == Duration? {
  /// SO_LINGER, in seconds: how long `close` waits for unsent data, and blocks the thread.
  ///
  /// nil: not at all, and the kernel sends it in the background. Zero: unsent data is thrown away,
  /// and the peer sees a reset.
  public static let linger = SocketOption("SO_LINGER", SOL_SOCKET, SO_LINGER)
}

extension SocketOption where Value == String {
  /// SO_BINDTODEVICE: packets of this network interface only; empty: of all.
  public static let bindToDevice = SocketOption("SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE)
}

extension SocketOption where Value == Socket.Credentials {
  /// SO_PEERCRED: who connected, or listened, or made the pair (unix(7)).
  ///
  /// Read only.
  public static let peerCredentials = SocketOption("SO_PEERCRED", SOL_SOCKET, SO_PEERCRED)
}

extension SocketOption where Value == Socket.Family {
  /// SO_DOMAIN.
  ///
  /// Read only.
  public static let family = SocketOption("SO_DOMAIN", SOL_SOCKET, SO_DOMAIN)
}

extension SocketOption where Value == Socket.Kind {
  /// SO_TYPE.
  ///
  /// Read only.
  public static let kind = SocketOption("SO_TYPE", SOL_SOCKET, SO_TYPE)
}
