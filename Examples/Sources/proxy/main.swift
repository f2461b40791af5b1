// Forwards connections to another address: two coroutines for each, one a direction. The end of a
// direction is passed on (half-close), and the other one goes on; an error ends its connection
// alone.
//
// Try it:  swift run proxy 127.0.0.1:8000 127.0.0.1:80
//          swift run proxy unix:/tmp/proxy.socket 127.0.0.1:80
// and, in another terminal:
//          curl http://127.0.0.1:8000/

import Coroutines
@preconcurrency import Glibc

/// Carries bytes from `source` to `sink` until the source's end, and passes that on.
func carry(from source: Socket, to sink: Socket) throws(CoroutineError) {
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while case let count = try source.receive(into: &buffer), count > 0 {
    try sink.sendAll(buffer[..<count])
  }
  try sink.shutdown(.sending)
}

/// As `carry`, and an error closes both sockets, which wakes the coroutine of the other direction.
func carryOrClose(from source: Socket, to sink: Socket) throws {
  do throws(CoroutineError) {
    try carry(from: source, to: sink)
  } catch {
    try source.close()
    try sink.close()
    switch error.code {
    case .closed: break  // The other direction failed first, and has said so.
    default: throw error
    }
  }
}

func forward(_ client: Socket, to target: Socket.Address) throws {
  let server = try Coroutine.socket(target.family, .stream)
  try server.connect(to: target, timeout: .seconds(10))
  // Whether to collect small packets is for the two ends to say.
  for socket in [client, server] where try socket.localAddress.family != .unix {
    try socket.setOption(.noDelay, true)
  }
  Coroutine(target: carryOrClose, args: server, client, name: "to client", daemon: true).start()
  try carryOrClose(from: client, to: server)
}

func serve(at address: Socket.Address, target: Socket.Address) throws {
  let proxy = try Coroutine.socket(address.family, .stream)
  if address.family != .unix { try proxy.setOption(.reuseAddress, true) }
  try proxy.bind(to: address)
  defer { if let path = address.path { unlink(path) } }
  try proxy.listen()

  for number in [SIGINT, SIGTERM] {
    try Coroutine.signal(number) { _ in try proxy.close() }
  }
  print("listening on \(try proxy.localAddress)")
  while true {
    do throws(CoroutineError) {
      let client = try proxy.accept()
      Coroutine(target: forward, args: client, target, name: "to server", daemon: true).start()
    } catch {
      switch error.code {
      case .closed: return
      default:
        // Too many open files, most likely: connections that end make room.
        fputs("proxy: \(error)\n", stderr)
        try Coroutine.sleep(0.1)
      }
    }
  }
}

setvbuf(stdout, nil, _IOLBF, 0)  // Lines appear at once, into a pipe too.
guard CommandLine.arguments.count == 3 else {
  fputs("usage: proxy LISTEN TARGET, each HOST:PORT or unix:PATH\n", stderr)
  exit(2)
}
do {
  try serve(
    at: Socket.Address(parsing: CommandLine.arguments[1]),
    target: Socket.Address(parsing: CommandLine.arguments[2]))
} catch {
  fputs("proxy: \(error)\n", stderr)
  exit(1)
}
