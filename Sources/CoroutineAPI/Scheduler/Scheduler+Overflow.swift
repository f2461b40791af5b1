import CContext

/// A stack overflow says whose stack it was.
///
/// The process dies of a segmentation fault, as it would have; the handler, in C
/// (`coro_overflow.c`), only writes a line before. It runs on an alternate signal stack, since the
/// coroutine's own is full.
extension Scheduler {
  func watchOverflows() {
    coro_overflow_watch(Stack.guardSize) { describe($0, $1) }
    coro_overflow_enter_thread()
    // What is done for the first time takes locks (symbols are bound, types are made), which a
    // signal handler must not: so it is done now.
    var label = coro_overflow_label()
    describe(core.pointee.main, &label)
  }
}

private func describe(
  _ record: UnsafeMutableRawPointer?, _ label: UnsafeMutablePointer<coro_overflow_label>?
) {
  guard let record = record?.assumingMemoryBound(to: CoroutineRecord.self), let label else {
    return
  }
  record.pointee.object._withUnsafeGuaranteedRef { object in
    label.pointee.ident = object.number
    label.pointee.name_length = withUnsafeMutableBytes(of: &label.pointee.name) {
      object.copyGivenName(into: $0)
    }
    if record.pointee.stack.low != nil {
      label.pointee.stack_size = Stack.usableSize(asked: object.stackSize)
    }
  }
}
