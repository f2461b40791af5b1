import NIOCore

/// Sends back what it receives, until end of file.
final class EchoHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.write(data, promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.flush()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else {
      context.fireUserInboundEventTriggered(event)
      return
    }
    // close() would drop what is not yet sent. Nothing is written after this, which is empty: when
    // it is through, so is all that stands before it.
    context.writeAndFlush(wrapOutboundOut(ByteBuffer()))
      .assumeIsolated()
      .whenComplete { _ in context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A connection that was reset is nothing to talk about.
    context.close(promise: nil)
  }
}
