import CLinux
import Glibc

extension PipeEnd {
  /// Moves bytes from here to another descriptor within the kernel: no byte passes through the
  /// program, and between pipes none is copied.
  ///
  /// Suspends until some can be moved. To copy a stream to its end:
  /// `while try input.splice(to: output, count: 1 << 20) > 0 {}`. One of the two has to be a pipe.
  /// The other may be a file, on whose disk the thread waits, or what else splice(2) takes; a
  /// stream socket or a terminal has to be in non-blocking mode. Of a file the pipe gets the pages,
  /// so that it gives what is written over them meanwhile.
  ///
  /// Coroutines that read from here, or write there, at the same time are served as well, in no
  /// order. Closing the end that is waited for ends the wait; closing the other one is noticed when
  /// bytes or room have come. The corresponding C function is `splice`, as Python's `os.splice` is.
  ///
  /// - Parameters:
  ///   - target: Where the bytes go.
  ///   - count: How many at most, 1 or more. A pipe takes what it has room for: as a rule 16 pieces
  ///     of up to 4 KiB, as they were written.
  ///   - timeout: nil: for ever; zero or less: tries once; else at most so long.
  /// - Returns: How many were moved; 0 is the end.
  /// - Throws: `system` (EINVAL: neither is a pipe, both are the same one, the target is in append
  ///   mode, or there is no such call for it; EBADF: the wrong end; EPIPE: the target's readers
  ///   have closed), `timeout`, `closed`, `cancelled`, `invalidArgument`, `misuse` for a socket
  ///   that is no stream or is at urgent data, for a socket or a terminal in blocking mode, and
  ///   where there is no loop. After an error nothing was moved.
  @available(*, noasync, message: "use Coroutine.run(on:) on a thread of its own")
  public func splice(
    to target: PipeEnd, count: Int, timeout: Duration? = nil
  ) throws(CoroutineError) -> Int {
    letOthersIn()
    target.letOthersIn()
    let splice = Splice(source: handle, target: target.handle, count: count)
    try splice.refuseWhatCannotBe()
    // Of some descriptors poll(2) says that they are ready when the call would wait: a socket with
    // an error in its queue, for one.
    let outcome = try retrying(
      "splice", timeout: timeout, while: { $0.rawValue == -Int(EAGAIN) }
    ) { rest throws(CoroutineError) in
      try splice.perform(rest)
    }
    // Unlike other calls that never wait it goes on for as long as its caller likes.
    Scheduler.current?.spendBudgetInline()
    return try outcome.value("splice", splice.operands)
  }
}

private struct Splice {
  let source: DescriptorHandle
  let target: DescriptorHandle
  let count: Int

  private static let triesInVainMax = 4

  var operands: String { "from pipe \(source.descriptor) to pipe \(target.descriptor)" }

  /// Only a pipe has no traits.
  private var sourceIsPipe: Bool { source.state.pointee.traits.isEmpty }

  func refuseWhatCannotBe() throws(CoroutineError) {
    guard count > 0 else {
      throw CoroutineError(
        .invalidArgument, call: "splice", operands: operands,
        detail: "the count \(count) is less than 1")
    }
    try refuseMessages(source)
    try refuseMessages(target)
  }

  /// The kernel cuts messages to what there is room for.
  private func refuseMessages(_ end: DescriptorHandle) throws(CoroutineError) {
    guard end.state.pointee.traits.contains(.socket),
      try end.kindOfSocket() != CInt(SOCK_STREAM.rawValue)
    else { return }
    throw misuse("descriptor \(end.descriptor) is a socket whose messages would be cut")
  }

  /// Moves some bytes, waits for them or for room if need be.
  ///
  /// - Returns: -EAGAIN if both ends are ready, as it seems, and the call says that they are not.
  func perform(_ timeout: Duration?) throws(CoroutineError) -> Outcome {
    var limit = TimeLimit(timeout)
    var triesInVain = 0
    while true {
      let outcome = try attempt()
      guard outcome.rawValue == -Int(EAGAIN) || outcome.rawValue == 0 else { return outcome }
      try refuseUrgentData()
      // Nothing from a pipe is its end, unless it is a FIFO that nobody has opened yet to write to.
      if outcome.rawValue == 0, !sourceIsPipe { return outcome }
      let ready = try look(source, POLLIN)
      if ready.rawValue < 0 { return ready }
      if sourceIsPipe, ready.rawValue & Int(POLLIN | POLLHUP) == Int(POLLHUP) { return Outcome(0) }
      if timeout?.isPositive == false { return .timeout }
      let waitsForSource = ready.rawValue == 0
      if !waitsForSource, try look(target, POLLOUT).rawValue != 0 {
        // Others may have been at it between the call and the look.
        triesInVain += 1
        if triesInVain == Self.triesInVainMax { return Outcome(-Int(EAGAIN)) }
        continue
      }
      triesInVain = 0
      let news = try wait(
        waitsForSource ? source : target, waitsForSource ? POLLIN : POLLOUT, &limit)
      if news.rawValue < 0 { return news }
    }
  }

  private func attempt() throws(CoroutineError) -> Outcome {
    if let refusal = try refusal(of: source, POLLIN, wrongMode: O_WRONLY) { return refusal }
    if let refusal = try refusal(of: target, POLLOUT, wrongMode: O_RDONLY) { return refusal }
    // A file whose position and count exceed Int is refused.
    return try source.perform(
      "splice",
      .splice(from: source.descriptor, to: target.descriptor, count: min(count, 0x7fff_f000)),
      with: target)
  }

  /// nil if the call won't make the thread wait for this end; -EAGAIN if it would now.
  private func refusal(
    of end: DescriptorHandle, _ events: CInt, wrongMode: CInt
  ) throws(CoroutineError) -> Outcome? {
    let traits = end.state.pointee.traits
    if traits.isEmpty { return nil }
    let flags = try end.perform("splice", .ask(end.descriptor, .statusFlags))
    if flags.rawValue < 0 { return flags }
    if flags.rawValue & Int(O_NONBLOCK) != 0 { return nil }
    // When they make the thread wait can't be told from outside: how much a socket has room for, or
    // what a terminal makes of a byte.
    if !traits.isDisjoint(with: [.socket, .terminal]) {
      throw misuse(
        "descriptor \(end.descriptor) is in blocking mode, and the call would block the thread; "
          + "set O_NONBLOCK, or read and write")
    }
    // The wrong direction is never ready, and the call says so.
    guard traits.contains(.device), flags.rawValue & Int(O_ACCMODE) != Int(wrongMode) else {
      return nil
    }
    return try look(end, events) == Outcome(0) ? Outcome(-Int(EAGAIN)) : nil
  }

  /// At urgent data the kernel stops for good, and says that nothing is there, or that it is the
  /// end.
  private func refuseUrgentData() throws(CoroutineError) {
    guard source.state.pointee.traits.contains(.socket),
      try source.perform("splice", .ask(source.descriptor, .isAtMark)) == Outcome(1)
    else { return }
    throw misuse(
      "descriptor \(source.descriptor) has urgent data next, which no splice gets past; receive it")
  }

  /// What is there now of `events`, a hang-up and an error.
  private func look(_ end: DescriptorHandle, _ events: CInt) throws(CoroutineError) -> Outcome {
    try end.perform("splice", .pollNow(end.descriptor, events: Int16(events)))
  }

  private func wait(
    _ end: DescriptorHandle, _ events: CInt, _ limit: inout TimeLimit
  ) throws(CoroutineError) -> Outcome {
    let (rest, isOver) = limit.next()
    if isOver { return .timeout }
    return try end.perform(
      "splice", .poll(end.descriptor, events: Int16(events)), timeout: rest)
  }

  private func misuse(_ detail: String) -> CoroutineError {
    CoroutineError(.misuse, call: "splice", operands: operands, detail: detail)
  }
}

extension DescriptorHandle {
  /// SO_TYPE.
  fileprivate func kindOfSocket() throws(CoroutineError) -> CInt {
    var kind: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    _ = try withUnsafeMutablePointer(to: &kind) { kind throws(CoroutineError) in
      try withUnsafeMutablePointer(to: &length) { length throws(CoroutineError) in
        try perform(
          "splice",
          .getOption(descriptor, level: SOL_SOCKET, name: SO_TYPE, kind, length)
        ).value("splice", "descriptor \(descriptor)")
      }
    }
    return kind
  }
}
