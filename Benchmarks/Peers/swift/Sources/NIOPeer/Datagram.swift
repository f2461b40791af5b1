import NIOCore
import NIOPosix
import NIOServer
import Peer

extension Service {
  /// One socket belongs to one loop, however many threads there might be.
  static let datagram = Service("datagram", isDatagram: true) { address, _ in
    let socket = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2048))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramHandler())
        }
      }
      .bind(to: address.bindingAddress()).get()
    address.announce(port: socket.localAddress?.port)
    try await socket.closeFuture.get()
  }
}

/// Sends each datagram back to where it came from: its envelope names that already.
private final class DatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.write(data, promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.flush()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // That one of the clients is gone does not concern the others.
  }
}
