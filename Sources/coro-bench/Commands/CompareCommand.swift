import ArgumentParser

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Measures each backend beside what you would pick instead.",
    discussion: """
      The peers are built by scripts/build-peers. Everybody takes turns, round by round, and is \
      compared with one of our backends (io_uring, where it is to be had): the ratio is the \
      geometric mean of the rounds' own ratios, with its 95 % interval by their scatter. More than \
      1 is dearer than we are, or, of a rate, faster. A peer that is not there is named, with the \
      reason; one that has no answer to a workload has no line there.
      """)

  @OptionGroup var options: MeasuringOptions

  @Option(
    name: .customLong("peer"),
    help: "Whom to measure beside us; repeat it for several. All by default: \(Peers.list).")
  var peers: [String] = []

  @Option(help: "Where scripts/build-peers has built them.")
  var folder = Peers.defaultFolder

  func validate() throws {
    for name in peers where !Peers.names.contains(name) {
      throw ValidationError("There is no peer '\(name)'. There are: \(Peers.list).")
    }
  }

  func run() throws {
    let (found, missing) = Peers.find(peers.isEmpty ? Peers.names : peers, in: folder)
    try options.measure(beside: found, missing: missing)
  }
}

extension Peers {
  static var list: String { names.joined(separator: ", ") }
}
