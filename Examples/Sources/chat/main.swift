// A chat: everybody gets the lines of everybody else. The room is plain shared data without a lock,
// because all coroutines run on one thread, and none loses it except where it blocks.
//
// Try it:  swift run chat 127.0.0.1:7001
// and, in two other terminals:
//          nc 127.0.0.1 7001
// The first line is your name; an empty one stands for your address.

import Coroutines
@preconcurrency import Glibc

/// Somebody in the room.
final class Member {
  let socket: Socket
  var name: String
  private var received: [UInt8] = []
  private var outbox: [String] = []
  private var isSending = false

  init(_ socket: Socket) throws {
    self.socket = socket
    name = "\(try socket.remoteAddress)"
  }

  /// Suspends until a whole line is there, in however many pieces it comes; nil at the end.
  func nextLine() throws -> String? {
    var buffer = [UInt8](repeating: 0, count: 1024)
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        defer { received.removeSubrange(...end) }
        return String(decoding: received[..<end].filter { $0 >= 32 }, as: UTF8.self)
      }
      let count = try socket.receive(into: &buffer)
      if count == 0 || received.count > 4096 { return nil }
      received += buffer[..<count]
    }
  }

  /// Sends a line without making the caller wait.
  ///
  /// What the kernel doesn't take at once, a coroutine of the member's own sends. Who doesn't read
  /// for long is thrown out.
  func tell(_ line: String) {
    outbox.append(line + "\n")
    if isSending { return }
    isSending = true
    Coroutine(name: "to \(name)", daemon: true) { [self] in
      defer { isSending = false }
      do {
        while !outbox.isEmpty, outbox.count < 1000 {
          try socket.sendAll(outbox.removeFirst(), timeout: .seconds(2))
        }
        if outbox.isEmpty { return }
      } catch {}
      try socket.close()  // Which ends `nextLine` too.
    }.start()
  }
}

final class Room {
  private var members: [Member] = []

  func tellAll(_ line: String, except sender: Member) {
    for member in members where member !== sender { member.tell(line) }
  }

  /// Speaks with one member until it leaves.
  func admit(_ socket: Socket) throws {
    let member = try Member(socket)
    member.tell("Welcome. Your name?")
    guard let name = try member.nextLine() else { return }
    if !name.isEmpty { member.name = name }
    members.append(member)
    tellAll("* \(member.name) is here", except: member)
    defer {
      members.removeAll { $0 === member }
      tellAll("* \(member.name) has left", except: member)
    }
    while let line = try member.nextLine() {
      tellAll("\(member.name): \(line)", except: member)
    }
  }
}

func serve(at address: Socket.Address) throws {
  let server = try Coroutine.socket(address.family, .stream)
  try server.setOption(.reuseAddress, true)
  try server.bind(to: address)
  try server.listen()
  print("listening on \(try server.localAddress)")

  let room = Room()
  while true {
    let socket = try server.accept()
    Coroutine(target: room.admit, args: socket, name: "member", daemon: true).start()
  }
}

setvbuf(stdout, nil, _IOLBF, 0)  // Lines appear at once, into a pipe too.
guard CommandLine.arguments.count == 2 else {
  fputs("usage: chat HOST:PORT\n", stderr)
  exit(2)
}
do {
  try serve(at: Socket.Address(parsing: CommandLine.arguments[1]))
} catch {
  fputs("chat: \(error)\n", stderr)
  exit(1)
}
