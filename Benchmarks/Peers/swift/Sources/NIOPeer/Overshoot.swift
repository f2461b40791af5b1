import NIOCore
import NIOPosix
import Peer

extension Round {
  static let overshoot = Round("overshoot") { _, duration in
    let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    return try await loop.flatSubmit {
      let figures = loop.makePromise(of: [Figure].self)
      Sleeper(Overshoot(duration: duration), figures).sleep(on: loop)
      return figures.futureResult
    }.get()
  }
}

/// Sleeps again and again, and notes when it wakes up.
private final class Sleeper: NIOScheduledCallbackHandler {
  private var overshoot: Overshoot
  private var began: Int64 = 0
  private let figures: EventLoopPromise<[Figure]>

  init(_ overshoot: Overshoot, _ figures: EventLoopPromise<[Figure]>) {
    self.overshoot = overshoot
    self.figures = figures
  }

  func sleep(on loop: some EventLoop) {
    began = WallTime.now
    do {
      try loop.assumeIsolated().scheduleCallback(
        in: .nanoseconds(Overshoot.nanosecondsAsked), handler: self)
    } catch {
      figures.fail(error)
    }
  }

  func handleScheduledCallback(eventLoop: some EventLoop) {
    if overshoot.goesOn(since: began) {
      sleep(on: eventLoop)
    } else {
      figures.succeed(overshoot.figures)
    }
  }
}
