import Glibc
import NIOCore
import Peer

extension Address {
  /// Where to bind, once the socket that an earlier server has left there is taken away.
  package func bindingAddress() throws -> SocketAddress {
    switch self {
    case .tcp(let host, let port), .udp(let host, let port):
      return try SocketAddress.makeAddressResolvingHost(host, port: port)
    case .unix(let path):
      var status = stat()
      if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
      return try SocketAddress(unixDomainSocketPath: path)
    }
  }
}
