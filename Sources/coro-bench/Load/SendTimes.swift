/// When the messages that a connection has on its way were sent, in their order.
///
/// A ring that is always full: an answer makes room for the message that is sent upon it.
struct SendTimes {
  private let times: UnsafeMutableBufferPointer<Int64>
  private var oldest = 0

  /// - Parameters:
  ///   - memory: A place for each message on its way; stays its owner's.
  ///   - now: When all of them were sent.
  init(in memory: UnsafeMutableBufferPointer<Int64>, sentAt now: Int64) {
    times = memory
    times.initialize(repeating: now)
  }

  /// The oldest message has come back, and a new one is sent at `now`.
  ///
  /// - Returns: When the oldest one was sent.
  mutating func replaceOldest(with now: Int64) -> Int64 {
    let sentAt = times[oldest]
    times[oldest] = now
    oldest = oldest + 1 == times.count ? 0 : oldest + 1
    return sentAt
  }
}
