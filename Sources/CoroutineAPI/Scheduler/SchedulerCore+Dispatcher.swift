import CContext

/// What a switch touches of a loop, and C lays out (`coro_dispatch.h`); here it has its types.
///
/// It is asked of the reference, because a property of the core itself would be handed a copy of
/// the whole core where nothing is optimised.
extension UnsafeMutablePointer<SchedulerCore> {
  var dispatcher: UnsafeMutablePointer<coro_dispatcher> {
    @inline(__always) get {
      UnsafeMutableRawPointer(self).assumingMemoryBound(to: coro_dispatcher.self)
    }
  }

  var running: CoroutineRecord.Reference {
    @inline(__always) get {
      // Set when the loop is made, and never to nil.
      CoroutineRecord.Reference(context: pointee.dispatcher.running.unsafelyUnwrapped)
    }
    @inline(__always) nonmutating set { pointee.dispatcher.running = newValue.context }
  }

  /// What the backend has yet to report.
  var operationsInFlight: Int {
    @inline(__always) get { Int(pointee.dispatcher.operations_in_flight) }
    @inline(__always) nonmutating set { pointee.dispatcher.operations_in_flight = Int64(newValue) }
  }

  /// Switches and inline completions left until it is time to think of others: of the clock, and
  /// perhaps of the kernel.
  ///
  /// Taking somebody out of the run queue costs one without being counted anywhere else, and
  /// putting somebody ahead of the others gives one back.
  var budget: Int {
    @inline(__always) get { Int(pointee.dispatcher.poll_at &- pointee.dispatcher.queue.head) }
    @inline(__always) nonmutating set {
      pointee.dispatcher.poll_at = pointee.dispatcher.queue.head &+ Int64(newValue)
    }
  }

  /// The same in one comparison.
  var isBudgetSpent: Bool {
    @inline(__always) get { pointee.dispatcher.poll_at <= pointee.dispatcher.queue.head }
  }
}

extension CoroutineRecord.Reference {
  /// The record whose first member this is.
  @inline(__always)
  init(context: UnsafeMutablePointer<coro_context>) {
    self = UnsafeMutableRawPointer(context).assumingMemoryBound(to: CoroutineRecord.self)
  }

  var context: UnsafeMutablePointer<coro_context> {
    @inline(__always) get {
      UnsafeMutableRawPointer(self).assumingMemoryBound(to: coro_context.self)
    }
  }
}
