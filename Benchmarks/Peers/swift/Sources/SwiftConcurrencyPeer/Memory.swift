import Peer

extension Round {
  static let memory = Round("memory", parameters: ["coroutines"]) { parameters, _ in
    let count = try parameters.number("coroutines")
    let event = Event()
    // The first one brings what all share.
    Task.detached { await event.wait() }
    await event.isAwaited(by: 1)
    let before = try MemoryUse.current()
    let start = ProcessorTime.now
    for _ in 0..<count { Task.detached { await event.wait() } }
    await event.isAwaited(by: count + 1)
    let time = ProcessorTime.now - start
    let after = try MemoryUse.current()

    func each(_ bytes: KeyPath<MemoryUse, Double>) -> Double {
      (after[keyPath: bytes] - before[keyPath: bytes]) / Double(count)
    }
    return [
      Figure("group", each(\.group)),
      Figure("resident", each(\.resident)),
      Figure("page tables", each(\.pageTables)),
      Figure("spawn", Double(time) / Double(count)),
    ]
  }
}
