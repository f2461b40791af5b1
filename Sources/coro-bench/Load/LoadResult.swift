import Histogram

/// What the load generator found.
struct LoadResult: Equatable {
  var requests = 0
  /// How long those requests took, all together.
  var nanoseconds: Int64 = 0
  /// The server's CPU time meanwhile; 0 if it is not known.
  var serverNanoseconds: Int64 = 0
  /// The load generator's own CPU time meanwhile.
  var generatorNanoseconds: Int64 = 0
  /// The server's system calls meanwhile; 0 if they are not counted.
  var calls = 0
  /// Datagrams that were not answered in time.
  var lost = 0
  var latencies = LatencyHistogram.ofLatencies()

  /// The latency in nanoseconds that a fraction of the requests does not exceed: 0.5 for the
  /// median.
  func percentile(_ fraction: Double) -> Int64 { latencies.percentile(fraction) }

  init() {}
}

/// As lines of a name and numbers, with tabs in between, which any program can read.
extension LoadResult {
  var text: String {
    var text = """
      requests\t\(requests)
      nanoseconds\t\(nanoseconds)
      server\t\(serverNanoseconds)
      generator\t\(generatorNanoseconds)
      calls\t\(calls)
      lost\t\(lost)

      """
    for entry in latencies.recordedValues() { text += "latency\t\(entry.value)\t\(entry.count)\n" }
    return text
  }

  /// Reads `text`.
  init(parsing text: String) throws {
    let refusal = BenchError("The load generator printed no result, but: \(text.prefix(200))")
    var numbers: [Substring: Int64] = [:]
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      if fields.count == 3, fields[0] == "latency" {
        guard let value = UInt64(fields[1]), value <= Int64.max, let count = UInt64(fields[2])
        else { throw refusal }
        latencies.record(value, count: count)
      } else {
        guard fields.count == 2, let number = Int64(fields[1]), number >= 0,
          numbers.updateValue(number, forKey: fields[0]) == nil
        else { throw refusal }
      }
    }
    guard numbers.count == 6, let requests = numbers["requests"], requests > 0,
      let nanoseconds = numbers["nanoseconds"], let server = numbers["server"],
      let generator = numbers["generator"], let calls = numbers["calls"],
      let lost = numbers["lost"],
      latencies.totalCount == UInt64(requests)
    else { throw refusal }
    self.requests = Int(requests)
    self.nanoseconds = nanoseconds
    serverNanoseconds = server
    generatorNanoseconds = generator
    self.calls = Int(calls)
    self.lost = Int(lost)
  }
}
