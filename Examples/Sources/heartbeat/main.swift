// A server receives datagrams from other processes, while a heartbeat goes on beside it. The
// heartbeat is a daemon: the program does not wait for it to end.
//
// Try it:  swift run heartbeat /tmp/heartbeat.socket
// and, in another terminal:
//          echo hello | socat - UNIX-SENDTO:/tmp/heartbeat.socket
//          echo quit | socat - UNIX-SENDTO:/tmp/heartbeat.socket

import Coroutines
@preconcurrency import Glibc

func beat(every seconds: Double) throws {
  var count = 0
  while true {
    count += 1
    print("heartbeat \(count)")
    try Coroutine.sleep(seconds)
  }
}

func receiveDatagrams(at path: String) throws {
  let server = try Coroutine.socket(.unix, .datagram)
  try server.bind(to: .unix(path: path))
  defer { unlink(path) }
  Coroutine(target: beat, args: 0.5, daemon: true).start()

  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = try server.receive(into: &buffer)
    let text = String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    if text == "quit" { break }
    print("received: \(text)")
  }
  print("bye")
}

setvbuf(stdout, nil, _IOLBF, 0)  // Lines appear at once, into a pipe too.
guard CommandLine.arguments.count == 2 else {
  fputs("usage: heartbeat PATH\n", stderr)
  exit(2)
}
do {
  try receiveDatagrams(at: CommandLine.arguments[1])
} catch {
  fputs("heartbeat: \(error)\n", stderr)
  exit(1)
}
