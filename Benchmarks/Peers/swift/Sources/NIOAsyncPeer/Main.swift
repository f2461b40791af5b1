import Peer

/// SwiftNIO as its users write it today: its channels as asynchronous sequences.
@main
enum NIOAsyncPeer {
  static func main() async {
    await Peer(version: Versions.nio, services: [.echo]).run()
  }
}
