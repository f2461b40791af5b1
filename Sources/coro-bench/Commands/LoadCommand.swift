import ArgumentParser

/// The load on an echo server; the echo workloads start it, see `LoadDescription`.
struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Loads an echo server and prints what came of it.",
    discussion: """
      Prints lines with tabs: requests, nanoseconds, server and generator (CPU time in ns), lost, \
      and for each latency in ns that occurred how often it did.
      """,
    shouldDisplay: false)

  @Option var tcp: String?
  @Option(help: "A path, or @ and an abstract name.") var unix: String?
  @Option var connections: Int = 50
  @Option var size: Int = 64
  @Option var warmUpMs: Int = 200
  @Option var durationMs: Int = 1000
  @Option(help: "The server's process.") var server: Int32?
  @Option(help: "The processor to run on.") var processor: Int?

  func validate() throws {
    guard (tcp == nil) != (unix == nil) else {
      throw ValidationError("Give either --tcp or --unix.")
    }
    guard connections > 0, size > 0 else {
      throw ValidationError("--connections and --size must be at least 1.")
    }
  }

  func run() throws {
    if let processor { Processors.pin(to: processor) }
    DescriptorLimit.raise()
    let target =
      if let tcp { try LoadTarget(tcp: tcp) } else { try LoadTarget(unix: unix ?? "") }
    var generator = try LoadGenerator(to: target, connections: connections, size: size)
    let result = try generator.run(
      warmUp: .milliseconds(warmUpMs), duration: .milliseconds(durationMs), server: server)
    print(result.text, terminator: "")
  }
}
