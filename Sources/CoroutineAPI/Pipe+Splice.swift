import Glibc

extension PipeEnd {
  /// Moves bytes from here to another descriptor within the kernel: a pipe's pages change hands,
  /// and no byte passes through the program.
  ///
  /// Suspends until some can be moved. To copy a stream to its end:
  /// `while try input.splice(to: output, count: 1 << 20) > 0 {}`. One of the two has to be a pipe.
  /// The other may be a file, on whose disk the thread waits, or anything else that splice(2)
  /// takes; a socket or a terminal has to be in non-blocking mode. Coroutines that read from here,
  /// or write there, meanwhile are served as well, in no order. The corresponding C function is
  /// `splice`, as Python's `os.splice` is.
  ///
  /// - Parameters:
  ///   - target: Where the bytes go.
  ///   - count: How many at most, 1 or more. A pipe takes what there is room for: 64 KiB as a rule.
  ///   - timeout: nil: for ever; zero or less: tries once; else at most so long.
  /// - Returns: How many were moved; 0 is the end: every writer has closed.
  /// - Throws: `system` (EINVAL: neither is a pipe, both are the same one, or the target is in
  ///   append mode; EPIPE: the target's readers have closed), `timeout`, `closed` (either of them),
  ///   `cancelled`, `invalidArgument`, `misuse` for a socket or a terminal in blocking mode and
  ///   where there is no loop. After an error nothing was moved.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func splice(
    to target: PipeEnd, count: Int, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    let operands = { "from pipe \(self.handle.descriptor) to pipe \(target.handle.descriptor)" }
    guard count > 0 else {
      throw CoroutineError(
        .invalidArgument, call: "splice", operands: operands(),
        detail: "the count \(count) is less than 1")
    }
    var limit = TimeLimit(timeout)
    // Only pipes are sure not to make the thread wait.
    var mustWait = false
    for end in [handle, target.handle] where !end.state.pointee.traits.isEmpty {
      try end.refuseBlockingSplice(operands)
      mustWait = true
    }
    while true {
      if mustWait {
        try handle.waitToSplice(Int16(POLLIN), &limit, operands)
        try target.handle.waitToSplice(Int16(POLLOUT), &limit, operands)
      }
      let moved = try handle.perform(
        "splice", with: target.handle,
        .splice(from: handle.descriptor, to: target.handle.descriptor, count: count))
      if moved.rawValue != -Int(EAGAIN) { return try moved.value("splice", operands()) }
      if timeout?.isPositive == false { return try Outcome.timeout.value("splice", operands()) }
      mustWait = true
    }
  }
}

extension DescriptorHandle {
  /// What these do by their own mode alone can't be told from outside: how much a socket has room
  /// for, or what a terminal makes of a byte.
  fileprivate func refuseBlockingSplice(_ operands: () -> String) throws(CoroutineError) {
    guard !state.pointee.traits.isDisjoint(with: [.socket, .terminal]), !state.pointee.isClosed,
      try Scheduler.call("splice", .mayBlock(descriptor)) != 0
    else { return }
    throw CoroutineError(
      .misuse, call: "splice", operands: operands(),
      detail: "descriptor \(descriptor) is in blocking mode, and the call would block the thread; "
        + "set O_NONBLOCK, or read and write")
  }

  /// Suspends until the descriptor is ready, or the time is up.
  fileprivate func waitToSplice(
    _ events: Int16, _ limit: inout TimeLimit, _ operands: () -> String
  ) throws(CoroutineError) {
    let (rest, isOver) = limit.next()
    let outcome =
      isOver ? .timeout : try perform("splice", .poll(descriptor, events: events), timeout: rest)
    _ = try outcome.value("splice", operands())
  }
}
