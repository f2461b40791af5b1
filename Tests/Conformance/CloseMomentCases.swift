import CoroutineAPI
import Testing

extension Conformance {
  /// `close()` against each kind of call on the descriptor, at each moment of the call's life.
  @Suite struct CloseMoments {
    @Test(arguments: BackendUnderTest.selected, Racer.transfers)
    func `just begun: the call throws`(on backend: BackendUnderTest, racer: Racer) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig)
        target.coroutine.start()
        #expect(try rig.close())
        try target.coroutine.join()
        #expect(target.outcome == .failure(.closed) && target.after == [nil, nil])
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.transfers)
    func `in flight: the call throws, and so do those queued behind it`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let targets = (0..<3).map { _ in RaceTarget(rig) }
        for target in targets { target.coroutine.start() }
        try settle()
        #expect(try rig.close())
        for target in targets {
          try target.coroutine.join()
          #expect(target.outcome == .failure(.closed) && target.after == [nil, nil])
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.transfers)
    func `finished and not delivered: it succeeds or throws`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig)
        target.coroutine.start()
        try settle()
        try rig.satisfy()
        #expect(try rig.close())
        try target.coroutine.join()
        #expect(target.outcome == .success || target.outcome == .failure(.closed))
        #expect(target.after == [nil, nil])
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.transfers)
    func `delivered: it has succeeded`(on backend: BackendUnderTest, racer: Racer) throws {
      try withoutLeak(backend) {
        let rig = try racer.make()
        let target = RaceTarget(rig)
        target.coroutine.start()
        try settle()
        var closer: Spawned<Bool>?
        try betweenDeliveryAndResumption({ try rig.satisfy() }) {
          closer = spawn { try rig.close() }
        }
        try target.coroutine.join()
        #expect(try closer?.value() == true)
        #expect(target.outcome == .success && target.after == [nil, nil])
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.transfers)
    func `beside a cancellation there is one outcome`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        for isCancelledFirst in [true, false] {
          let rig = try racer.make()
          let target = RaceTarget(rig)
          target.coroutine.start()
          try settle()
          if isCancelledFirst { target.coroutine.cancel() }
          let closer = spawn { try rig.close() }
          if !isCancelledFirst { target.coroutine.cancel() }
          try target.coroutine.join()
          #expect(try closer.value())
          target.expectOneCancellation(racer.testDescription)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected, Racer.transfers)
    func `beside a timeout there is one outcome`(
      on backend: BackendUnderTest, racer: Racer
    ) throws {
      try withoutLeak(backend) {
        for delay in 0..<6 {
          let rig = try racer.make()
          let target = RaceTarget(rig, timeout: .microseconds(100))
          target.coroutine.start()
          try Coroutine.sleep(for: .microseconds(50 + delay * 20))
          #expect(try rig.close())
          try target.coroutine.join()
          #expect(
            target.outcome == .failure(.closed) || target.outcome == .failure(.timeout))
          #expect(target.after == [nil, nil])
        }
      }
    }
  }
}
