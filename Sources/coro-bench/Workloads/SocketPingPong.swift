import Coroutines

extension Workload {
  /// Two coroutines of one loop with a pair of Unix sockets between them: two messages a round
  /// trip, each of which is waited for.
  ///
  /// It is what a request and its answer cost, without the network and without another process, so
  /// that instructions can be counted.
  static let socket = Workload(
    name: "socket",
    summary: "ping-pong of two coroutines over a pair of sockets (--size), a round trip",
    figures: [Figure(name: "CPU", unit: "µs/trip")],
    cases: { settings in
      let size = settings.size ?? 64
      return [Case(label: "\(size) B", parameters: Parameters(["size": "\(size)"]))]
    },
    measure: { round in
      let size = try round.parameters.number("size")
      return try Coroutine.run(on: round.backend.choice) {
        [try round.nanosecondsPerStep(ofExactly: { try pingPong(count: $0, size: size) }) / 1000]
      }
    })
}

private func pingPong(count: Int, size: Int) throws {
  let (here, there) = try Socket.pair()
  let peer = Coroutine(name: "pong") {
    var buffer = [UInt8](repeating: 0, count: size)
    for _ in 0..<count {
      try receiveExactly(size, from: there, &buffer)
      try there.sendAll(buffer)
    }
  }
  peer.start()
  var buffer = [UInt8](repeating: 0, count: size)
  for _ in 0..<count {
    try here.sendAll(buffer)
    try receiveExactly(size, from: here, &buffer)
  }
  try peer.join()
  try here.close()
  try there.close()
}

private func receiveExactly(_ size: Int, from socket: Socket, _ buffer: inout [UInt8]) throws {
  var missing = size
  while missing > 0 {
    let count = try socket.receive(into: &buffer)
    guard count > 0 else { throw BenchError("The socket was closed early.") }
    missing -= count
  }
}
