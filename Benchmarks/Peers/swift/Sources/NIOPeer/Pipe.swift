import Glibc
import NIOCore
import NIOPosix
import Peer

extension Round {
  static let pipe = Round("pipe", parameters: ["size"]) { parameters, duration in
    let size = try parameters.number("size")
    let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    let there = try Pipe()
    let back = try Pipe()
    let ping = try await NIOPipeBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(PingHandler(size: size))
        }
      }
      .takingOwnershipOfDescriptors(input: back.reader, output: there.writer).get()
    _ = try await NIOPipeBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(EchoHandler())
        }
      }
      .takingOwnershipOfDescriptors(input: there.reader, output: back.writer).get()
    let nanoseconds = try await nanosecondsPerStep(
      duration: duration,
      ofExactly: { try await ping.triggerUserOutboundEvent(Trips(count: $0)).get() })
    return [Figure("CPU", nanoseconds / 1000)]
  }
}

/// Both ends of a pipe.
private struct Pipe {
  let reader: CInt
  let writer: CInt

  init() throws {
    var ends: [CInt] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else { throw IOError(errnoCode: errno, reason: "pipe") }
    (reader, writer) = (ends[0], ends[1])
  }
}

/// What a ping is asked for; it is done when the last of them is back.
private struct Trips {
  let count: Int
}

/// Sends so many bytes, and sends them again when they have come back.
private final class PingHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let message: ByteBuffer
  private var missingBytes = 0
  private var missingTrips = 0
  private var end: EventLoopPromise<Void>?

  init(size: Int) {
    message = ByteBuffer(repeating: 0, count: size)
  }

  func triggerUserOutboundEvent(
    context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
  ) {
    guard let trips = event as? Trips else {
      context.triggerUserOutboundEvent(event, promise: promise)
      return
    }
    missingTrips = trips.count
    end = promise
    send(context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    missingBytes -= unwrapInboundIn(data).readableBytes
    guard missingBytes == 0 else { return }
    missingTrips -= 1
    if missingTrips > 0 {
      send(context)
    } else {
      end?.succeed()
    }
  }

  private func send(_ context: ChannelHandlerContext) {
    missingBytes = message.readableBytes
    context.writeAndFlush(wrapOutboundOut(message), promise: nil)
  }
}
