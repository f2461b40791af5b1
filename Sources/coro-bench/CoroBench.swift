import ArgumentParser

/// The benchmark command.
///
/// How a run hangs together, for whoever adds a workload or something to compare with:
///
/// - A `Workload` has cases (parameters) and figures (what is measured, in which unit). It stands
///   in `Workload.all`, and says what is done: a round in one process, a service under a load, or
///   a copy.
/// - A `Contender` is a program that takes part: this one by its commands `round` and `serve`, once
///   for each backend, or a peer with the same commands, which `Peers` finds.
/// - A `Session` runs the rounds, each in processes of its own, the contenders in turn.
/// - A `Report` is made of the `Measurement`s that come out: a table, JSON, or a page of HTML.
@main
struct CoroBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coro-bench",
    abstract: "Measures coroutines, and compares the backends with one another and with others.",
    subcommands: [
      ListCommand.self, RunCommand.self, CompareCommand.self, ReportCommand.self, ServeCommand.self,
      RoundCommand.self, LoadCommand.self,
    ])
}
