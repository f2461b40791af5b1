import CLinux
import Glibc
import Coroutines
import SystemPackage

/// A load that another process shall put on an echo server in this one.
struct LoadDescription {
  let connections: Int
  let size: Int
  let duration: Duration
  /// Where it shall run, if not anywhere.
  let processor: CInt?

  /// Runs the load generator and waits for its end, while other coroutines serve it.
  func run(against address: Socket.Address) throws -> LoadResult {
    let child = try ChildProcess.startSelf(arguments(against: address))
    let output = try PipeEnd(adopting: FileDescriptor(rawValue: child.output))
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while case let n = try output.read(into: &part), n > 0 { text += part[..<n] }
    try child.requireSuccess()
    return try LoadResult(parsing: String(decoding: text, as: UTF8.self))
  }

  private func arguments(against address: Socket.Address) -> [String] {
    let milliseconds = duration.nanoseconds / 1_000_000
    var arguments = [
      "load", "--connections", "\(connections)", "--size", "\(size)", "--server", "\(getpid())",
      "--duration-ms", "\(milliseconds)", "--warm-up-ms", "\(max(20, milliseconds / 4))",
    ]
    if address.family == .unix {
      arguments += ["--unix", address.path ?? "@\(address.abstractName ?? "")"]
    } else {
      arguments += ["--tcp", "\(address)"]
    }
    if let processor { arguments += ["--processor", "\(processor)"] }
    return arguments
  }
}
