extension Report {
  /// The structure that `run --json` prints, which only ever grows by further members.
  ///
  ///     {
  ///       "machine": {"kernel": "Linux 6.18", "processor": "…", "cores": 2},
  ///       "denied": [{"backend": "io_uring", "reason": "…"}],
  ///       "results": [
  ///         {
  ///           "workload": "echo-tcp",
  ///           "parameters": {"connections": 50, "size": 64},
  ///           "figure": "CPU", "unit": "µs/request",     // figure is "" if the workload says it all
  ///           "backend": "epoll",
  ///           "rounds": [5.1, 5.0, 5.2],                 // in the order of measuring
  ///           "median": 5.1, "min": 5.0, "max": 5.2
  ///         }
  ///       ]
  ///     }
  var json: JSON {
    .object([
      .init(
        "machine",
        .object([
          .init("kernel", .string(machine.kernel)),
          .init("processor", .string(machine.processor)),
          .init("cores", .integer(machine.cores)),
        ])),
      .init(
        "denied",
        .array(
          denied.map {
            .object([
              .init("backend", .string($0.contender)), .init("reason", .string($0.reason)),
            ])
          })),
      .init("results", .array(measurements.flatMap(results))),
    ])
  }

  private func results(_ measurement: Measurement) -> [JSON] {
    measurement.results.map { contender, statistics in
      .object([
        .init("workload", .string(measurement.workload)),
        .init("parameters", measurement.parameters.json),
        .init("figure", .string(measurement.figure.name)),
        .init("unit", .string(measurement.figure.unit)),
        .init("backend", .string(contender)),
        .init("rounds", .array(statistics.rounds.map(JSON.number))),
        .init("median", .number(statistics.median)),
        .init("min", .number(statistics.min)),
        .init("max", .number(statistics.max)),
      ])
    }
  }
}

extension Parameters {
  var json: JSON {
    .object(
      pairs.map { pair in
        JSON.Member(pair.name, Int(pair.value).map(JSON.integer) ?? .string(pair.value))
      })
  }
}
