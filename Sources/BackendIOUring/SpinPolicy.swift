#if IOUring
  /// Decides when a wait begins by looking at the ring's memory for a while, instead of blocking at
  /// once.
  ///
  /// To block and to be woken costs the processor's time too, some 20 µs in a virtual machine.
  /// Where the answer to what was just sent comes sooner, looking for it costs less, and it is
  /// heard of sooner. But where others need the processor, or the answer takes longer, looking is
  /// a waste; and where there is nearly always something to do there is little to gain, and
  /// completions that are taken one by one cost more than those that gather.
  ///
  /// So the waits that block are measured, some in a row. If half of the time passed in them, each
  /// was short, and little was waited for, the next ones spin; in vain only a few times, and then
  /// not again for longer and longer. Now and then some block again, to be measured. Where many are
  /// served nobody spins: completions would be taken one by one, and the processor may be wanted by
  /// those who are served.
  struct SpinPolicy {
    /// For how long a wait spins, in ns: about what blocking costs.
    static let limit: Int64 = 25_000
    /// The longest mean of blocking waits, in ns, that an answer within `limit` may hide behind.
    static let longestMean: Int64 = 100_000
    /// How many waits are measured in a row.
    static let sampleLength = 16
    /// How many entries the ring may have meanwhile: two or three connections, their listener and
    /// what watches for `wake()`.
    static let mostInFlight = 6
    /// How many waits spin before some are measured again.
    static let spinLength = 4096
    /// How many waits have to spin for it to count as worth it, whatever was before.
    static let longEnough = 256
    /// How often in a row it may be tried in vain before the pauses grow no longer.
    static let mostFailures = 6
    /// How many more waits spin in vain than a sixteenth of those that do not, at most.
    static let credit = 4

    private(set) var isSpinning = false

    // While waits block: the sample.
    private var blockedCount = 0
    private var blockedTime: Int64 = 0
    private var mostInFlight = 0
    private var sampleStart: Int64 = 0
    /// Waits that are not measured, because spinning was in vain.
    private var pause = 0
    private var failures = 0

    // While they spin.
    private var spunCount = 0
    private var creditLeft = 0

    /// A wait has blocked from `start` to `end`, in ns of some clock, with so many entries in
    /// flight.
    mutating func blocked(from start: Int64, to end: Int64, inFlight: Int) {
      if pause > 0 {
        pause -= 1
        return
      }
      if blockedCount == 0 { sampleStart = start }
      blockedCount += 1
      blockedTime += end - start
      mostInFlight = max(mostInFlight, inFlight)
      guard blockedCount == Self.sampleLength else { return }
      let mean = blockedTime / Int64(Self.sampleLength)
      isSpinning =
        mean <= Self.longestMean && blockedTime * 2 >= end - sampleStart
        && mostInFlight <= Self.mostInFlight
      spunCount = 0
      creditLeft = Self.credit * 16
      (blockedCount, blockedTime, mostInFlight) = (0, 0, 0)
    }

    /// A wait has spun, until something came or in vain.
    mutating func spun(inVain: Bool) {
      spunCount += 1
      if inVain {
        creditLeft -= 16
        guard creditLeft < 0 else { return }
        failures = min(spunCount < Self.longEnough ? failures + 1 : 1, Self.mostFailures)
        pause = Self.sampleLength << failures
        isSpinning = false
      } else {
        if creditLeft < Self.credit * 16 { creditLeft += 1 }
        guard spunCount >= Self.spinLength else { return }
        failures = 0
        isSpinning = false
      }
    }
  }
#endif
