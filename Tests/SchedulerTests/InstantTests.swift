@testable import CoroutineAPI
import Testing

/// Points in time and durations, at the edges of their ranges.
@Suite struct Instants {
  private let one = Instant(nanoseconds: 1)

  @Test func `add and subtract`() {
    #expect(Instant.zero + .seconds(2) == Instant(nanoseconds: 2_000_000_000))
    #expect(one - .nanoseconds(3) == Instant(nanoseconds: -2))
    #expect(Instant(nanoseconds: 5) - Instant(nanoseconds: 8) == .nanoseconds(-3))
    #expect(one.advanced(by: .milliseconds(1)) == Instant(nanoseconds: 1_000_001))
    #expect(one.duration(to: Instant(nanoseconds: 4)) == .nanoseconds(3))
  }

  @Test func `are ordered`() {
    #expect(Instant.zero < one)
    #expect(!(one < one))
    #expect(one < .distantFuture)
    #expect(Set([one, one, .zero]).count == 2)
  }

  @Test func `stay within their range`() {
    let late = Instant(nanoseconds: .max - 10)
    #expect(late + .nanoseconds(10) == .distantFuture)
    #expect(late + .nanoseconds(11) == .distantFuture)
    #expect(late + .seconds(Int64.max) == .distantFuture)
    let early = Instant(nanoseconds: .min + 10)
    #expect(early - .nanoseconds(11) == Instant(nanoseconds: .min))
    #expect(early + .seconds(Int64.min) == Instant(nanoseconds: .min))
  }

  @Test func `a time that never comes stays one`() {
    #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
    #expect(Instant.distantFuture - .seconds(1) == .distantFuture)
  }

  @Test func `the distance of any two is exact`() {
    let distance = Instant.distantFuture - Instant(nanoseconds: .min)
    #expect(distance == .nanoseconds(Int64.max) + .nanoseconds(Int64.max) + .nanoseconds(1))
  }

  @Test func `the kernel's clock goes on`() {
    let first = Instant.kernelNow
    #expect(first.nanoseconds > 0)
    #expect(first <= .kernelNow)
  }

  @Test(
    arguments: [
      (0, 0, 0), (0, 1, 1), (0, 999_999_999, 1), (0, 1_000_000_000, 1), (0, 1_000_000_001, 2),
      (3, 5, 3_000_000_001), (0, -1, 0), (0, -1_000_000_001, -1), (-2, 0, -2_000_000_000),
      (9_223_372_036, 854_775_807_000_000_000, .max),
      (9_223_372_036, 854_775_807_000_000_001, .max),
      (9_223_372_037, 0, .max), (.max, 0, .max), (-9_223_372_036, -854_775_808_000_000_000, .min),
      (-9_223_372_037, 0, .min), (.min, 0, .min),
    ] as [(Int64, Int64, Int64)])
  func `a duration is rounded up to nanoseconds, within their range`(
    seconds: Int64, attoseconds: Int64, nanoseconds: Int64
  ) {
    let duration = Duration(secondsComponent: seconds, attosecondsComponent: attoseconds)
    #expect(duration.saturatedNanoseconds == nanoseconds)
  }

  @Test func `a duration whose seconds exceed 64 bits saturates too`() {
    let long = Duration.seconds(Int64.max)
    #expect((long + long).saturatedNanoseconds == .max)
    #expect((.zero - long - long).saturatedNanoseconds == .min)
    #expect(Instant.zero - .seconds(Int64.min) == .distantFuture)
  }
}
