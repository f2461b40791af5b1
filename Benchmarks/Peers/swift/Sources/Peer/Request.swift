/// What the command line asks for.
enum Request {
  case list
  case round(workload: String, duration: Duration, parameters: Parameters)
  case serve(service: String, address: Address, threads: Int)

  /// - Parameter arguments: Without the program's name.
  init(parsing arguments: ArraySlice<String>) throws {
    let rest = arguments.dropFirst()
    switch arguments.first {
    case "list":
      guard rest.isEmpty else { throw Refusal("'list' takes no arguments.") }
      self = .list
    case "round":
      self = try .round(from: Options(parsing: rest, known: ["workload", "duration-ms"]))
    case "serve":
      self = try .serve(from: Options(parsing: rest, known: ["tcp", "unix", "udp", "threads"]))
    default:
      throw Refusal("The first argument must be list, round or serve.")
    }
  }

  private static func round(from options: Options) throws -> Request {
    .round(
      workload: try options.text("workload"),
      duration: .milliseconds(try options.number("duration-ms")),
      parameters: try Parameters(parsing: options.others))
  }

  private static func serve(from options: Options) throws -> Request {
    guard options.others.count == 1 else {
      throw Refusal("'serve' takes the name of one service.")
    }
    return .serve(
      service: options.others[0],
      address: try Address(from: options),
      threads: try options.number("threads", default: 1))
  }
}
