import Coroutines

extension Workload {
  /// Two coroutines of one loop with two pipes between them: four system calls a round trip at
  /// least, and each of them has to wait for the other.
  static let pipe = Workload(
    name: "pipe",
    summary: "ping-pong of two coroutines over two pipes (--size), a round trip",
    figures: [Figure(name: "CPU", unit: "µs/trip")],
    cases: { settings in
      let size = settings.size ?? 1
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
  let there = try Coroutine.pipe()
  let back = try Coroutine.pipe()
  let peer = Coroutine(name: "pong") {
    var buffer = [UInt8](repeating: 0, count: size)
    for _ in 0..<count {
      try readExactly(size, from: there.reader, &buffer)
      try back.writer.writeAll(buffer)
    }
  }
  peer.start()
  var buffer = [UInt8](repeating: 0, count: size)
  for _ in 0..<count {
    try there.writer.writeAll(buffer)
    try readExactly(size, from: back.reader, &buffer)
  }
  try peer.join()
  for end in [there.reader, there.writer, back.reader, back.writer] { try end.close() }
}

private func readExactly(_ size: Int, from end: PipeEnd, _ buffer: inout [UInt8]) throws {
  var missing = size
  while missing > 0 {
    let count = try end.read(into: &buffer)
    guard count > 0 else { throw BenchError("The pipe was closed early.") }
    missing -= count
  }
}
