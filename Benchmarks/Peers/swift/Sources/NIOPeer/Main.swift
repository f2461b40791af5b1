import Peer

/// SwiftNIO as its users wrote it before there was `async`: handlers and callbacks of a loop.
@main
enum NIOPeer {
  static func main() async {
    await Peer(
      version: Versions.nio,
      rounds: [.timers, .pending, .overshoot, .pipe],
      services: [.echo, .datagram]
    ).run()
  }
}
