import CLinux
import CoroutineAPI
import Glibc

// What an edge tells, to whom; the rules are in `WaiterTable.swift`.

extension WaiterTable {
  /// As `edgeOfAnyone`, where the one who receives is the only one who waits.
  ///
  /// - Returns: False if it is not so, and nothing was done.
  @inline(__always)
  func edgeOfReceiver(
    _ event: UnsafePointer<epoll_event>, _ completed: inout Completions
  ) -> Bool {
    let events = event.pointee.events
    guard let entry = entry(coro_epoll_data(event)),
      events & ~EPOLLOUT.rawValue == EPOLLIN.rawValue,
      let operation = entry.pointee.reading.operations.first,
      operation.pointer.pointee.next == nil,
      entry.pointee.writing.operations.isEmpty, entry.pointee.polling.isEmpty,
      case .receive(let descriptor, let buffer, let flags) = operation.pointer.pointee.kind
    else { return false }
    if events & EPOLLOUT.rawValue != 0 { entry.pointee.writing.isBlocked = false }
    let result = operation.receive(descriptor, buffer, flags)
    guard result >= 0 else {
      failed(operation, result, entry, &completed)
      return true
    }
    entry.pointee.reading.isBlocked = hasEmptied(operation, entry, result, buffer.count, flags)
    entry.pointee.reading.operations = OperationList()
    operation.pointer.pointee.result = result
    completed.append(operation)
    return true
  }

  /// The only one who waits has received nothing.
  @inline(never)
  private func failed(
    _ operation: KernelOperation.Reference, _ result: Int, _ entry: UnsafeMutablePointer<Entry>,
    _ completed: inout Completions
  ) {
    entry.pointee.reading.isBlocked = result == -Int(EAGAIN)
    if entry.pointee.reading.isBlocked { return }
    entry.pointee.reading.operations = OperationList()
    operation.pointer.pointee.result = result
    completed.append(operation)
    abandonIfClosed(operation, entry)
  }

  /// The entry of an event; nil if it is of an earlier registration, or of none here.
  @inline(__always)
  private func entry(_ tag: UInt64) -> UnsafeMutablePointer<Entry>? {
    guard let entry = existingEntry(CInt(truncatingIfNeeded: tag)),
      entry.pointee.generation == UInt32(tag >> 32)
    else { return nil }
    return entry
  }

  /// Attempts again who waited for what the event tells.
  func edgeOfAnyone(
    _ event: UnsafePointer<epoll_event>, _ completed: inout Completions
  ) {
    guard let entry = entry(coro_epoll_data(event)) else { return }
    let events = event.pointee.events
    let hangUp = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
    if events & (hangUp | EPOLLPRI.rawValue) != 0 { entry.pointee.mayStopShort = true }
    if !entry.pointee.polling.isEmpty { askAgain(entry, events, &completed) }
    if events & (EPOLLIN.rawValue | hangUp) != 0 {
      advance(entry, Self.waiters(entry, .reading), &completed)
    }
    if events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
      advance(entry, Self.waiters(entry, .writing), &completed)
    }
  }

  func advance(
    _ entry: UnsafeMutablePointer<Entry>, _ waiters: UnsafeMutablePointer<Waiters>,
    _ completed: inout Completions
  ) {
    waiters.pointee.isBlocked = false
    while let operation = waiters.pointee.operations.first, !waiters.pointee.isBlocked {
      guard attempt(operation, entry, waiters) else { return }
      waiters.pointee.operations.remove(operation)
      completed.append(operation)
      abandonIfClosed(operation, entry)
    }
  }

  /// Lets everyone ask who waits for readiness.
  ///
  /// Where it is gone again, looking took it away, and yet it was there.
  func askAgain(
    _ entry: UnsafeMutablePointer<Entry>, _ events: UInt32, _ completed: inout Completions
  ) {
    var cursor = entry.pointee.polling.first
    while let operation = cursor {
      cursor = operation.pointer.pointee.next
      var result = operation.attempt()
      if result == -Int(EAGAIN) { result = operation.readiness(in: events) }
      guard result != 0 else { continue }
      operation.pointer.pointee.result = result
      entry.pointee.polling.remove(operation)
      completed.append(operation)
      if abandonIfClosed(operation, entry) { return }
    }
  }
}
