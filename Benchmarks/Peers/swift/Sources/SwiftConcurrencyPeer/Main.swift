import Peer

/// What the language itself has: tasks in the pool that they share.
///
/// It knows no descriptors, so it serves nobody. The pool has a thread for each processor that the
/// process may run on: one when it is pinned.
@main
enum SwiftConcurrencyPeer {
  static func main() async {
    await Peer(
      version: Versions.swift,
      rounds: [.yield, .spawn, .spawnMany, .memory, .timers, .pending, .overshoot]
    ).run()
  }
}
