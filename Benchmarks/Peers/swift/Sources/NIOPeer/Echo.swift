import NIOCore
import NIOPosix
import NIOServer
import Peer

extension Service {
  static let echo = Service("echo") { address, threads in
    let server = try await ServerBootstrap.echo(threads: threads)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          // Who does not read its answers is not read from any more.
          try channel.pipeline.syncOperations.addHandler(BackPressureHandler())
          try channel.pipeline.syncOperations.addHandler(EchoHandler())
        }
      }
      .bind(to: address.bindingAddress()).get()
    address.announce(port: server.localAddress?.port)
    try await server.closeFuture.get()
  }
}
