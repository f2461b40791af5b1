import Peer

extension Round {
  static let overshoot = Round("overshoot") { _, duration in
    var overshoot = Overshoot(duration: duration)
    var began: Int64
    repeat {
      began = WallTime.now
      try await Task.sleep(for: .nanoseconds(Overshoot.nanosecondsAsked))
    } while overshoot.goesOn(since: began)
    return overshoot.figures
  }
}
