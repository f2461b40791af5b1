import Coroutines

extension Workload {
  /// What a parked coroutine occupies: stack, record and object are resident, page tables are not.
  ///
  /// The control group's memory is all of it, what the kernel keeps for it included, where
  /// `CORO_BENCH_GROUP_MEMORY` names the file that tells it.
  static let memory = Workload(
    name: "memory",
    summary: "100,000 parked coroutines (--count): their memory, and the time to get there",
    figures: [
      Figure(name: "group", unit: "B each"),
      Figure(name: "resident", unit: "B each"),
      Figure(name: "page tables", unit: "B each"),
      Figure(name: "spawn", unit: "ns each"),
    ],
    cases: { settings in
      let count = settings.count ?? (settings.isQuick ? 20_000 : 100_000)
      return [Case(label: "\(count) parked", parameters: Parameters(["coroutines": "\(count)"]))]
    },
    measure: { round in
      let count = try round.parameters.number("coroutines")
      return try Coroutine.run(on: round.backend.choice) { try park(count) }
    })
}

private func park(_ count: Int) throws -> [Double] {
  let main = Coroutine.main
  // The first one brings what all share.
  Coroutine { try main.join() }.start()
  let before = try MemoryUse.current()
  let start = ProcessorTime.now
  // They wait for the end of this function's caller, which takes no timer and no descriptor.
  for _ in 0..<count { Coroutine { try main.join() }.start() }
  let time = ProcessorTime.now - start
  let after = try MemoryUse.current()
  guard Coroutine.activeCount == count + 2 else {
    throw BenchError("Only \(Coroutine.activeCount - 2) of \(count) coroutines are parked.")
  }
  let each = { (total: Double) in total / Double(count) }
  return [
    each(after.group - before.group), each(after.resident - before.resident),
    each(after.pageTables - before.pageTables), each(Double(time)),
  ]
}
