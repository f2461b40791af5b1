import NIOCore
import NIOPosix
import Peer

extension Round {
  static let pending = Round("pending", parameters: ["timers"]) { parameters, _ in
    let count = try parameters.number("timers")
    let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    // The thread of the loop is there before time counts.
    try await loop.submit {}.get()
    let start = ProcessorTime.now
    try await loop.flatSubmit {
      let end = loop.makePromise(of: Void.self)
      let handler = LastTimer(of: count, end)
      do {
        for duration in PendingTimers.durations(count: count) {
          try loop.assumeIsolated().scheduleCallback(
            in: .nanoseconds(duration.nanoseconds), handler: handler)
        }
      } catch {
        end.fail(error)
      }
      return end.futureResult
    }.get()
    return [Figure("CPU", Double(ProcessorTime.now - start) / Double(count))]
  }
}

/// Fulfils a promise when so many timers have fired.
private final class LastTimer: NIOScheduledCallbackHandler {
  private var missing: Int
  private let end: EventLoopPromise<Void>

  init(of count: Int, _ end: EventLoopPromise<Void>) {
    missing = count
    self.end = end
  }

  func handleScheduledCallback(eventLoop: some EventLoop) {
    missing -= 1
    if missing == 0 { end.succeed() }
  }
}
