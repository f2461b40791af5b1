import Peer

extension Round {
  static let spawn = Round("spawn") { _, duration in
    [
      Figure(
        await nanosecondsPerStep(
          duration: duration,
          ofExactly: { count in for _ in 0..<count { await Task.detached {}.value } }))
    ]
  }
}
