import CTestSupport
import Coroutines
@preconcurrency import Glibc

/// Echoes whatever comes, a coroutine a connection, until its standard input ends.
///
/// Prints the port first, and at the end what it has seen.
func echoServer() {
  setvbuf(stdout, nil, _IOLBF, 0)
  test_raise_descriptor_limit()
  var accepted = 0
  var failures: [String: Int] = [:]
  var refused = 0
  do {
    let listener = try Coroutine.socket(.inet, .stream)
    try listener.setOption(.reuseAddress, true)
    // Every address of the loopback interface, so that clients have ports enough.
    try listener.bind(to: .inet("0.0.0.0", port: 0))
    try listener.listen(backlog: 4_096)
    print("port: \(try listener.localAddress.port ?? 0)")
    Coroutine(name: "acceptor", daemon: true) {
      while true {
        do throws(CoroutineError) {
          let peer = try listener.accept()
          accepted += 1
          Coroutine(name: "echo", daemon: true) {
            do throws(CoroutineError) {
              try echo(peer)
            } catch {
              let name = error.errno.flatMap { test_errno_name($0.rawValue) }
              failures[name.map { String(cString: $0) } ?? "\(error.code)", default: 0] += 1
            }
          }.start()
        } catch {
          switch error.code {
          case .system:
            refused += 1
            try Coroutine.sleep(for: .milliseconds(20))
          default: throw error
          }
        }
      }
    }.start()
    let input = try PipeEnd(adopting: .init(rawValue: STDIN_FILENO))
    var buffer = [UInt8](repeating: 0, count: 64)
    while try input.read(into: &buffer) > 0 {}
  } catch {
    fatalError("\(error)")
  }
  print("accepted: \(accepted), ended by: \(failures), not accepted: \(refused)")
}

private func echo(_ peer: Socket) throws(CoroutineError) {
  var buffer = [UInt8](repeating: 0, count: 2_048)
  // Who is silent for so long has vanished.
  while case let count = try peer.receive(into: &buffer, timeout: .seconds(120)), count > 0 {
    try peer.sendAll(buffer[..<count], timeout: .seconds(120))
  }
  try peer.close()
}
