import ArgumentParser

/// The benchmark command.
///
/// How a run hangs together, for whoever adds a workload or something to compare with:
///
/// - A `Workload` has cases (parameters) and figures (what is measured, in which unit). Each one is
///   a file in `Workloads/`, and stands in `Workload.all`.
/// - A `Contender` is a program that knows how to do one round of a workload: here this program
///   itself, by its hidden `round` command, once for each backend. It prints a line for each
///   figure.
/// - A `Session` runs the rounds, each in a process of its own, the contenders in turn.
/// - A `Report` is made of the `Measurement`s that come out: a table, JSON, or a page of HTML.
@main
struct CoroBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coro-bench",
    abstract: "Measures coroutines, and compares the backends with one another.",
    subcommands: [
      ListCommand.self, RunCommand.self, CompareCommand.self, ReportCommand.self, ServeCommand.self,
      RoundCommand.self, LoadCommand.self,
    ])
}
