import ArgumentParser
import Glibc

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Makes a page of HTML of a run, or a chart of a part of it.",
    discussion: """
      The page is one file that needs nothing else: charts, tables, and the JSON itself. With \
      --svg it is an image instead, at most 20 KiB large, that shows the first figure of some \
      workloads and can be read on white and on dark pages.
      """)

  @Argument(help: "What 'run --json' printed; - reads standard input.")
  var file: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Draw these workloads, or cases as WORKLOAD/CASE, into one SVG.", valueName: "workload"))
  var svg: [String] = []

  @Option(
    help: """
      Where to write (default: beside FILE, with the suffix of what it is; standard output if FILE \
      is -).
      """)
  var output: String?

  func validate() throws {
    if file != "-", output == file {
      throw ValidationError("--output would write over the report.")
    }
  }

  func run() throws {
    let name = file == "-" ? "standard input" : file
    let text =
      try
      (file == "-"
      ? TextFile.contents(of: STDIN_FILENO, called: name) : TextFile.contents(of: file))
    let report = try Report(json: text, from: name)
    let result =
      try (svg.isEmpty ? Document(report: report).html() : SummaryChart(report, svg).svg())
    if let path = destination {
      try TextFile.write(result, to: path)
    } else {
      print(result, terminator: "")
    }
  }

  /// nil for standard output.
  var destination: String? {
    if let output { return output == "-" ? nil : output }
    if file == "-" { return nil }
    let stem = file.hasSuffix(".json") ? String(file.dropLast(5)) : file
    return stem + (svg.isEmpty ? ".html" : ".svg")
  }
}
