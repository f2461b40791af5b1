import CoroutineAPI
import Testing

extension Conformance {
  /// A timeout of each kind of call, at each moment of the call's life.
  @Suite struct TimeoutMoments {
    /// What must be of a call whose timeout raced with its success: one outcome, nothing lost.
    private func expectOneOutcome(_ target: RaceTarget, _ rig: Racer.Rig) throws {
      #expect(target.after == [nil, nil])
      if target.outcome != .success {
        #expect(target.outcome == .failure(.timeout))
        #expect(try rig.remaining() == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `in flight: the call throws, and takes nothing`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig, timeout: .microseconds(500))
        target.coroutine.start()
        try target.coroutine.join()
        #expect(target.outcome == .failure(.timeout) && target.after == [nil, nil])
        try rig.satisfy()
        try rig.attempt(nil)
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `queued behind another: who times out leaves, and the other is served`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let first = RaceTarget(rig)
        let second = RaceTarget(rig, timeout: .microseconds(500))
        first.coroutine.start()
        second.coroutine.start()
        try second.coroutine.join()
        #expect(second.outcome == .failure(.timeout) && second.after == [nil, nil])
        #expect(first.outcome == nil)
        try rig.satisfy()
        try first.coroutine.join()
        #expect(first.outcome == .success && first.after == [nil, nil])
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `finished, and not delivered when the time is up: nothing is lost`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig, timeout: .milliseconds(2))
        target.coroutine.start()
        try settle()
        try rig.satisfy()
        compute(for: .milliseconds(3))
        try target.coroutine.join()
        try expectOneOutcome(target, rig)
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.transfers)
    func `delivered, and not resumed when the time is up: nothing is lost`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig, timeout: .milliseconds(5))
        target.coroutine.start()
        try settle()
        try betweenDeliveryAndResumption({ try rig.satisfy() }) { compute(for: .milliseconds(6)) }
        try target.coroutine.join()
        try expectOneOutcome(target, rig)
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `before the first wait of its thread it is heard of in time`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig, timeout: .microseconds(100))
        target.coroutine.start()
        // The time is up before any kernel has heard of the call.
        compute(for: .microseconds(300))
        try rig.satisfy()
        try target.coroutine.join()
        try expectOneOutcome(target, rig)
      }
    }
  }
}
