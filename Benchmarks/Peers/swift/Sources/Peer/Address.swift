@preconcurrency import Glibc

/// Where a service is to be had.
package enum Address: Sendable {
  case tcp(host: String, port: Int)
  case udp(host: String, port: Int)
  case unix(path: String)

  var isDatagram: Bool {
    if case .udp = self { return true }
    return false
  }

  /// Says that connections are taken from now on, to a runner that waits for this line.
  ///
  /// - Parameter port: The one that was chosen, where the address leaves the choice.
  package func announce(port: Int?) {
    switch self {
    case .tcp(let host, let given), .udp(let host, let given):
      print("listening on \(host):\(port ?? given)")
    case .unix(let path):
      print("listening on \(path)")
    }
    fflush(stdout)
  }
}

extension Address {
  init(from options: Options) throws {
    let given = options.values.filter { ["tcp", "unix", "udp"].contains($0.key) }
    guard given.count == 1, let (kind, value) = given.first else {
      throw Refusal("One of '--tcp', '--unix' and '--udp' has to be given.")
    }
    switch kind {
    case "unix": self = .unix(path: value)
    case "udp":
      let (host, port) = try Self.hostAndPort(value)
      self = .udp(host: host, port: port)
    default:
      let (host, port) = try Self.hostAndPort(value)
      self = .tcp(host: host, port: port)
    }
  }

  private static func hostAndPort(_ text: String) throws -> (host: String, port: Int) {
    guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
      let port = UInt16(text[text.index(after: colon)...])
    else { throw Refusal("'\(text)' is no address: it must read host:port.") }
    return (String(text[..<colon]), Int(port))
  }
}
