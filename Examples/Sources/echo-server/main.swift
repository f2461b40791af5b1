// A server that sends back what it receives, with a coroutine for each connection. Each reads as if
// it were the only one; no connection's error reaches another.
//
// Try it:  swift run echo-server 127.0.0.1:7000        (port 0: the kernel chooses one)
//          swift run echo-server unix:/tmp/echo.socket
// and, in another terminal:
//          nc 127.0.0.1 7000
// Ctrl-C or `kill` ends it.

import Coroutines
@preconcurrency import Glibc

func echo(_ client: Socket) throws {
  // The last reference to the socket goes with this coroutine, and that closes it.
  var buffer = [UInt8](repeating: 0, count: 16_384)
  while case let count = try client.receive(into: &buffer), count > 0 {
    try client.sendAll(buffer[..<count])
  }
}

func listen(at address: Socket.Address) throws -> Socket {
  let server = try Coroutine.socket(address.family, .stream)
  if address.family != .unix { try server.setOption(.reuseAddress, true) }
  try server.bind(to: address)
  try server.listen()
  return server
}

func serve(at address: Socket.Address) throws {
  let server = try listen(at: address)
  defer { if let path = address.path { unlink(path) } }

  // Closing the listening socket ends the wait in `accept` below.
  for number in [SIGINT, SIGTERM] {
    try Coroutine.signal(number) { _ in try server.close() }
  }
  print("listening on \(try server.localAddress)")
  while true {
    do throws(CoroutineError) {
      let client = try server.accept()
      // An error, such as a client that vanished, ends its coroutine, and is printed with its name.
      // Daemons: the end of the program does not wait for clients to leave.
      Coroutine(target: echo, args: client, name: "echo", daemon: true).start()
    } catch {
      switch error.code {
      case .closed: return
      default:
        // Too many open files, most likely: connections that end make room.
        fputs("echo-server: \(error)\n", stderr)
        try Coroutine.sleep(0.1)
      }
    }
  }
}

setvbuf(stdout, nil, _IOLBF, 0)  // Lines appear at once, into a pipe too.
guard CommandLine.arguments.count == 2 else {
  fputs("usage: echo-server HOST:PORT | unix:PATH\n", stderr)
  exit(2)
}
do {
  try serve(at: Socket.Address(parsing: CommandLine.arguments[1]))
} catch {
  fputs("echo-server: \(error)\n", stderr)
  exit(1)
}
