import ArgumentParser

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Measures workloads on each backend and compares them.",
    discussion: """
      Each round is a process of its own, pinned to one core; the backends take turns. The table \
      shows medians of the rounds with their extremes. Times are CPU time, of the program and of \
      the kernel for it, so that other programs disturb little; latencies are time on the wall.

      With --json everything is printed for a program to read, and for 'coro-bench report': \
      {"results": [{workload, label, parameters, figure, unit, contender, rounds, median, min, \
      max}], "ratios": [{workload, label, figure, contender, against, ratio, low, high}], \
      "latencies", "notes", the machine, the contenders and who is missing.
      """)

  @OptionGroup var options: MeasuringOptions

  func run() throws {
    try options.measure()
  }
}
