import Peer

extension Round {
  static let spawnMany = Round(
    "spawn-many", parameters: ["coroutines", "stacks"]
  ) { parameters, _ in
    let count = try parameters.number("coroutines")
    let stacks = try parameters.text("stacks", oneOf: ["fresh", "cached"])
    // What happens once in a process is not counted.
    _ = await nanosecondsToSpawn(1)
    // A task has no stack, but its memory too is taken from the system the first time only.
    if stacks == "cached" { _ = await nanosecondsToSpawn(count) }
    return [Figure(Double(await nanosecondsToSpawn(count)) / Double(count))]
  }
}

/// CPU time of starting so many that wait, letting them go on, and joining them.
private func nanosecondsToSpawn(_ count: Int) async -> Int64 {
  let event = Event()
  let start = ProcessorTime.now
  let tasks = (0..<count).map { _ in Task.detached { await event.wait() } }
  await event.isAwaited(by: count)
  event.set()
  for task in tasks { await task.value }
  return ProcessorTime.now - start
}
