import Coroutines

extension Workload {
  /// Coroutines of one loop, in pairs with a pair of Unix sockets between them: two messages a
  /// round trip, each of which is waited for.
  ///
  /// It is what a request and its answer cost, without the network and without another process, so
  /// that instructions can be counted. With many pairs a turn of the loop serves many of them, as
  /// in a busy server.
  static let socket = Workload(
    name: "socket",
    summary: "ping-pong of coroutines over pairs of sockets (--size, --count pairs), a round trip",
    figures: [Figure(name: "CPU", unit: "µs/trip")],
    cases: { settings in
      let size = settings.size ?? 64
      return (settings.count.map { [$0] } ?? [1, 50]).map { pairs in
        Case(
          label: "\(pairs) × \(size) B",
          parameters: Parameters(["pairs": "\(pairs)", "size": "\(size)"]))
      }
    },
    measure: { round in
      let size = try round.parameters.number("size")
      let pairs = try round.parameters.number("pairs")
      return try Coroutine.run(on: round.backend.choice) {
        let nanoseconds = try round.nanosecondsPerStep { wanted in
          let each = max(1, wanted / pairs)
          let start = ProcessorTime.now
          try play(pairs: pairs, count: each, size: size)
          return (each * pairs, ProcessorTime.now - start)
        }
        return [nanoseconds / 1000]
      }
    })
}

private func play(pairs: Int, count: Int, size: Int) throws {
  let all = try (0..<pairs).flatMap { _ in
    let (here, there) = try Socket.pair()
    let pong = Coroutine(name: "pong") {
      var buffer = [UInt8](repeating: 0, count: size)
      for _ in 0..<count {
        try receiveExactly(size, from: there, &buffer)
        try there.sendAll(buffer)
      }
      try there.close()
    }
    let ping = Coroutine(name: "ping") {
      var buffer = [UInt8](repeating: 0, count: size)
      for _ in 0..<count {
        try here.sendAll(buffer)
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
