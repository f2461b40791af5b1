import NIOCore
import NIOPosix
import NIOServer
import Peer

private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

extension Service {
  static let echo = Service("echo") { address, threads in
    let server = try await ServerBootstrap.echo(threads: threads)
      .bind(to: address.bindingAddress()) { channel in
        channel.eventLoop.makeCompletedFuture {
          try Connection(wrappingChannelSynchronously: channel)
        }
      }
    address.announce(port: server.channel.localAddress?.port)
    try await withTaskExecutorPreference(LoopExecutor(server.channel.eventLoop)) {
      try await accept(from: server)
    }
  }
}

/// A child task for each connection, on the loop that the connection belongs to.
private func accept(from server: NIOAsyncChannel<Connection, Never>) async throws {
  try await withThrowingDiscardingTaskGroup { group in
    try await server.executeThenClose { connections in
      for try await connection in connections {
        group.addTask(executorPreference: LoopExecutor(connection.channel.eventLoop)) {
          // A connection that was reset is nothing to talk about.
          try? await serve(connection)
        }
      }
    }
  }
}

private func serve(_ connection: Connection) async throws {
  try await connection.executeThenClose { inbound, outbound in
    for try await bytes in inbound { try await outbound.write(bytes) }
    // What follows drops what is not yet sent. Nothing is written after this, which is empty: when
    // it is through, so is all that stands before it.
    try await connection.channel.writeAndFlush(ByteBuffer())
  }
}
