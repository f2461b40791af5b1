import NIOCore
import NIOPosix
import Peer

extension Round {
  static let timers = Round("timers", parameters: ["sleepers"]) { parameters, duration in
    let sleepers = try parameters.number("sleepers")
    let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    let wakeUps = WakeUps()
    try await loop.submit {
      for _ in 0..<sleepers { try Sleeper(wakeUps).sleep(on: loop) }
    }.get()
    return [Figure("CPU", try await wakeUps.measure(for: duration))]
  }
}

/// Sets its timer again whenever it has fired.
///
/// A scheduled callback is SwiftNIO's cheapest timer: it takes no closure and makes no future.
private final class Sleeper: NIOScheduledCallbackHandler, Sendable {
  private let wakeUps: WakeUps

  init(_ wakeUps: WakeUps) {
    self.wakeUps = wakeUps
  }

  func sleep(on loop: some EventLoop) throws {
    try loop.scheduleCallback(in: .milliseconds(1), handler: self)
  }

  func handleScheduledCallback(eventLoop: some EventLoop) {
    guard wakeUps.goesOn() else { return }
    do {
      try sleep(on: eventLoop)
    } catch {
      // What a loop refuses that runs is a mistake of ours; without it the figures would be wrong.
      fatalError("A timer can't be set: \(error)")
    }
  }
}
