import NIOCore
import NIOPosix

/// How both peers of SwiftNIO set up a server that echoes.
extension ServerBootstrap {
  package static func echo(threads: Int) -> ServerBootstrap {
    ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: threads))
      // So many that connect at once need not try again.
      .serverChannelOption(.backlog, value: 4096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      // Otherwise an end of file closes the channel, and answers that wait to be sent are lost.
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      // The default but for its maximum: 16 KiB at a time, as the contract says.
      .childChannelOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 2048, maximum: 16 * 1024))
  }
}
