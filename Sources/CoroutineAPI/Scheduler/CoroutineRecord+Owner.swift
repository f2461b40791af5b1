import CContext

/// What lies in a record's first cache line, beside what a switch saves.
///
/// C lays it out, so that it knows where the line ends; here it has its types. It is asked of the
/// reference, because a property of the record itself would be handed a copy of the whole record
/// where nothing is optimised, and a parked coroutine has little stack.
extension CoroutineRecord.Reference {
  /// Why it was made ready.
  ///
  /// Written by who makes it ready, read by who was waiting.
  var wakeReason: WakeReason {
    @inline(__always) get { unsafeBitCast(pointee.context.owner.wake_reason, to: WakeReason.self) }
    @inline(__always) nonmutating set { pointee.context.owner.wake_reason = newValue.rawValue }
  }

  /// What it waits for.
  var wait: Wait {
    @inline(__always) get { unsafeBitCast(pointee.context.owner.wait, to: Wait.self) }
    @inline(__always) nonmutating set { pointee.context.owner.wait = newValue.rawValue }
  }

  /// Whether its waits throw `cancelled`.
  var cancellation: Cancellation {
    @inline(__always) get {
      unsafeBitCast(pointee.context.owner.cancellation, to: Cancellation.self)
    }
    @inline(__always) nonmutating set { pointee.context.owner.cancellation = newValue.rawValue }
  }

  /// Where its timer is, or -1; see `TimerQueue`.
  var timerPlace: Int32 {
    @inline(__always) get { pointee.context.owner.timer_place }
    @inline(__always) nonmutating set { pointee.context.owner.timer_place = newValue }
  }

  /// The operation it waits for, while `wait` is `.operation`; else nil.
  var operation: KernelOperation.Reference? {
    @inline(__always) get {
      pointee.context.owner.operation.map {
        KernelOperation.Reference($0.assumingMemoryBound(to: KernelOperation.self))
      }
    }
    @inline(__always) nonmutating set {
      pointee.context.owner.operation = newValue.map { UnsafeMutableRawPointer($0.pointer) }
    }
  }

  /// When its wait began, to within the time between two turns of the loop.
  var since: Instant {
    @inline(__always) get { Instant(nanoseconds: pointee.context.owner.since) }
    @inline(__always) nonmutating set { pointee.context.owner.since = newValue.nanoseconds }
  }

  var core: UnsafeMutablePointer<SchedulerCore> {
    @inline(__always) get {
      // Set when the record is made, and never again.
      pointee.context.owner.core.unsafelyUnwrapped.assumingMemoryBound(to: SchedulerCore.self)
    }
  }
}
