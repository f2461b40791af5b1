import CoroutineAPI
import Testing

extension Conformance {
  /// `cancel()` against each kind of call, at each moment of the call's life.
  @Suite struct CancelRaces {
    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `before the start: the first wait throws, and takes nothing`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig)
        target.coroutine.cancel()
        try rig.satisfy()
        target.coroutine.start()
        try target.coroutine.join()
        #expect(target.outcome == .failure(.cancelled))
        #expect(target.after == [nil, nil])
        #expect(try rig.remaining() == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `queued behind another: who is cancelled leaves, and the other is served`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let first = RaceTarget(rig)
        let second = RaceTarget(rig)
        first.coroutine.start()
        second.coroutine.start()
        second.coroutine.cancel()
        try second.coroutine.join()
        #expect(second.outcome == .failure(.cancelled) && second.after == [nil, nil])
        #expect(first.outcome == nil)
        try rig.satisfy()
        try first.coroutine.join()
        #expect(first.outcome == .success && first.after == [nil, nil])
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `first of two that wait: who is cancelled leaves, and the other is served`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let first = RaceTarget(rig)
        let second = RaceTarget(rig)
        first.coroutine.start()
        second.coroutine.start()
        try settle()
        first.coroutine.cancel()
        try rig.satisfy()
        try first.coroutine.join()
        first.expectOneCancellation(racer.testDescription)
        if first.outcome == .success { try rig.satisfy() }
        try second.coroutine.join()
        #expect(second.outcome == .success && second.after == [nil, nil])
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `just begun: the call throws, and takes nothing`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig)
        target.coroutine.start()
        // Nobody has suspended since: no kernel has heard of it yet.
        target.coroutine.cancel()
        try target.coroutine.join()
        #expect(target.outcome == .failure(.cancelled) && target.after == [nil, nil])
        try rig.satisfy()
        try rig.attempt(nil)
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `in flight: the call throws, and takes nothing`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig)
        target.coroutine.start()
        try settle()
        #expect(target.outcome == nil)
        target.coroutine.cancel()
        try target.coroutine.join()
        #expect(target.outcome == .failure(.cancelled) && target.after == [nil, nil])
        try rig.satisfy()
        try rig.attempt(nil)
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `finished and not delivered: it succeeds or throws, and nothing is lost`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig)
        target.coroutine.start()
        try settle()
        try rig.satisfy()
        target.coroutine.cancel()
        try target.coroutine.join()
        target.expectOneCancellation(racer.testDescription)
        if target.outcome != .success { #expect(try rig.remaining() == 1) }
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.transfers)
    func `delivered: it has succeeded, and the next wait throws`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig)
        target.coroutine.start()
        try settle()
        try betweenDeliveryAndResumption({ try rig.satisfy() }) { target.coroutine.cancel() }
        try target.coroutine.join()
        #expect(target.outcome == .success && target.after == [.cancelled, nil])
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `with a timeout beside it there is one outcome`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        for delay in 0..<8 {
          let target = RaceTarget(rig, timeout: .microseconds(200))
          target.coroutine.start()
          compute(for: .microseconds(delay * 50))
          target.coroutine.cancel()
          try target.coroutine.join()
          // What is tried again finds its time over where it would have waited; all else is told of
          // the cancellation, which came first.
          if Racer.retried.contains(where: { $0.testDescription == racer.testDescription }),
            target.outcome == .failure(.timeout)
          {
            #expect(target.after == [.cancelled, nil])
          } else {
            #expect(target.outcome == .failure(.cancelled) && target.after == [nil, nil])
          }
        }
        try rig.satisfy()
        try rig.attempt(nil)
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.all)
    func `at any time: units had and units left add up`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        for round in 0..<40 {
          let target = RaceTarget(rig)
          let canceller = Coroutine {
            try Coroutine.sleep(for: .microseconds(round % 8 * 10))
            target.coroutine.cancel()
          }
          target.coroutine.start()
          canceller.start()
          if round % 3 == 0 { try Coroutine.sleep(for: .microseconds(round % 5 * 15)) }
          try rig.satisfy()
          try canceller.join()
          try target.coroutine.join()
          // It may have come after the call, or after the end.
          let told = target.after.count { $0 == .cancelled }
          if target.outcome == .success {
            #expect(told <= 1)
          } else {
            #expect(target.outcome == .failure(.cancelled) && told == 0)
            try rig.attempt(nil)
          }
          try rig.exhaust()
        }
      }
    }
  }
}
