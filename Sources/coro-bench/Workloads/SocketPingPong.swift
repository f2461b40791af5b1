import Coroutines

extension Workload {
  /// Coroutines of one loop, in pairs with a pair of sockets between them: two messages a round
  /// trip, each of which is waited for.
  ///
  /// It is what a request and its answer cost without another process, so that instructions can be
  /// counted. With many pairs a turn of the loop serves many of them, as in a busy server. Over
  /// TCP they take what they can get, and a short read says that there is no more; over Unix
  /// sockets they ask for just what is to come.
  static let socket = Workload(
    name: "socket",
    summary: "ping-pong of coroutines over pairs of sockets (--size, --count pairs), a round trip",
    figures: [Figure(name: "CPU", unit: "µs/trip")],
    cases: { settings in
      let size = settings.size ?? 64
      let pairs = settings.count.map { [$0] } ?? [1, 50]
      return ["unix", "tcp"].flatMap { kind in
        pairs.map { pairs in
          Case(
            label: "\(kind), \(pairs) × \(size) B",
            parameters: Parameters(["kind": kind, "pairs": "\(pairs)", "size": "\(size)"]))
        }
      }
    },
    measure: { round in
      let size = try round.parameters.number("size")
      let pairs = try round.parameters.number("pairs")
      let isTCP = try round.parameters.text("kind") == "tcp"
      return try Coroutine.run(on: round.backend.choice) {
        let nanoseconds = try round.nanosecondsPerStep { wanted in
          let each = max(1, wanted / pairs)
          let sockets = try (0..<pairs).map { _ in try isTCP ? tcpPair() : Socket.pair() }
          let start = ProcessorTime.now
          try play(sockets, count: each, size: size, capacity: isTCP ? 4096 : size)
          return (each * pairs, ProcessorTime.now - start)
        }
        return [nanoseconds / 1000]
      }
    })
}

private func tcpPair() throws -> (Socket, Socket) {
  let listener = try Coroutine.createServer(at: .inet("127.0.0.1", port: 0))
  let here = try Coroutine.createConnection(to: listener.localAddress)
  let there = try listener.accept()
  try listener.close()
  for socket in [here, there] { try socket.setOption(.noDelay, true) }
  return (here, there)
}

/// - Parameter capacity: How many bytes are asked for at a time.
private func play(_ sockets: [(Socket, Socket)], count: Int, size: Int, capacity: Int) throws {
  let all = sockets.flatMap { here, there in
    let pong = Coroutine(name: "pong") {
      let message = [UInt8](repeating: 0, count: size)
      var buffer = [UInt8](repeating: 0, count: capacity)
      for _ in 0..<count {
        try receiveExactly(size, from: there, &buffer)
        try there.sendAll(message)
      }
      try there.close()
    }
    let ping = Coroutine(name: "ping") {
      let message = [UInt8](repeating: 0, count: size)
      var buffer = [UInt8](repeating: 0, count: capacity)
      for _ in 0..<count {
        try here.sendAll(message)
        try receiveExactly(size, from: here, &buffer)
      }
      try here.close()
    }
    return [pong, ping]
  }
  for coroutine in all { coroutine.start() }
  for coroutine in all { try coroutine.join() }
}

private func receiveExactly(_ size: Int, from socket: Socket, _ buffer: inout [UInt8]) throws {
  var missing = size
  while missing > 0 {
    let count = try socket.receive(into: &buffer)
    guard count > 0 else { throw BenchError("The socket was closed early.") }
    missing -= count
  }
}
