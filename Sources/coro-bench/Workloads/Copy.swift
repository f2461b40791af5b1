import Coroutines

extension Workload {
  /// What moves much from one descriptor to another: system calls that take long, and few waits.
  static let copy = Workload(
    name: "copy",
    summary: "standard input to standard output, --size at a time, fed on another core",
    figures: [Figure(name: "CPU", unit: "ns/KiB"), Figure(name: "rate", unit: "MiB/s")],
    cases: { settings in
      let size = settings.size ?? 65_536
      return [Case(label: "\(size) B", parameters: Parameters(["size": "\(size)"]))]
    },
    measure: { round in
      let size = try round.parameters.number("size")
      let load = try CopyLoad(
        "/proc/self/exe",
        ["serve", "copy", "--backend", round.backend.name, "--size", "\(size)"])
      // It has inherited the processor of what is measured; from here on this is the load.
      if let processor = round.loadProcessor { Processors.pin(to: Int(processor)) }
      return try load.run(duration: round.duration).figures
    })
}

extension PipeEnd {
  /// Copies what comes from here, up to its end, at most `size` bytes at a time.
  func copy(to writer: PipeEnd, size: Int) throws(CoroutineError) {
    var buffer = [UInt8](repeating: 0, count: size)
    while case let n = try read(into: &buffer), n > 0 { try writer.writeAll(buffer[..<n]) }
  }
}
