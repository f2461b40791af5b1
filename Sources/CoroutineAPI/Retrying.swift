/// Calls `attempt`, with the time that is left, until its outcome is not busy any more.
///
/// For what nothing tells of, so that it is asked for less and less often: when a full backlog or a
/// full queue of a Unix socket has room (unix(7)), when urgent data comes, when a descriptor is
/// ready that is said to be.
func retrying(
  _ call: StaticString, timeout: Duration?, while isBusy: (Outcome) -> Bool,
  _ attempt: (Duration?) throws(CoroutineError) -> Outcome
) throws(CoroutineError) -> Outcome {
  let scheduler = try Scheduler.forKernelCall(call)
  let deadline = timeout.map { scheduler.now + $0 }
  var pause = Duration.microseconds(100)
  while true {
    let outcome = try attempt(deadline.map { $0 - scheduler.now })
    guard isBusy(outcome) else { return outcome }
    let next = scheduler.now + pause
    if let deadline, deadline <= scheduler.now { return .timeout }
    let reason = scheduler.sleep(until: min(next, deadline ?? next))
    guard reason == .timeout else { return .cancelled }
    pause = min(pause * 2, .milliseconds(50))
  }
}
