import CLinux
import CoroutineAPI
import Glibc

// The short ways of what is received where nothing special is known of the descriptor; the
// rules are those of `WaiterTable.swift`, where everything else is done.

extension WaiterTable {
  /// Puts the operation in line, if it receives where there is known to be nothing yet, and nobody
  /// else waits: that is the rule where a stream was read short.
  ///
  /// - Returns: Whether it was so; if not, nothing was done.
  @inline(__always)
  func waitsAtOnce(_ operation: KernelOperation.Reference) -> Bool {
    guard case .receive(let descriptor, _, flags: _) = operation.pointer.pointee.kind,
      operation.pointer.pointee.mayWait, let entry = existingEntry(descriptor),
      entry.pointee.reading.isBlocked, entry.pointee.reading.operations.isEmpty
    else { return false }
    // It is registered: only who waits for an edge says "blocked", or a pipe's reader.
    noteNewcomer(descriptor, entry)
    entry.pointee.reading.operations = OperationList(operation)
    return true
  }

  /// As `start`, for `receive`.
  func startReceiving(_ operation: KernelOperation.Reference) -> Bool {
    guard case .receive(let descriptor, let buffer, let flags) = operation.pointer.pointee.kind,
      operation.pointer.pointee.mayWait, let entry = existingEntry(descriptor),
      entry.pointee.reading.isFree
    else { return start(operation) }
    if !entry.pointee.isRegistered, operation.pointer.pointee.traits.contains(.accepted),
      putInLineUntried(operation, entry)
    {
      return false
    }
    let result = operation.receive(descriptor, buffer, flags)
    guard result >= 0 else { return startFailed(operation, result, entry) }
    entry.pointee.reading.isBlocked = hasEmptied(operation, entry, result, buffer.count, flags)
    operation.pointer.pointee.result = result
    return true
  }

  /// Has the kernel tell if anything has come.
  ///
  /// - Returns: False if it won't.
  @inline(never)
  private func putInLineUntried(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<Entry>
  ) -> Bool {
    let waiters = Self.waiters(entry, .reading)
    waiters.pointee.isBlocked = true
    if putInLine(operation, entry, waiters) { return false }
    operation.pointer.pointee.backendWord = Word.untried
    return true
  }

  @inline(never)
  private func startFailed(
    _ operation: KernelOperation.Reference, _ result: Int, _ entry: UnsafeMutablePointer<Entry>
  ) -> Bool {
    if result == -Int(EAGAIN) {
      let waiters = Self.waiters(entry, .reading)
      waiters.pointee.isBlocked = true
      return putInLine(operation, entry, waiters)
    }
    operation.pointer.pointee.result = result
    abandonIfClosed(operation, entry)
    return true
  }

  /// Rule 2's short read.
  @inline(__always)
  func hasEmptied(
    _ operation: KernelOperation.Reference, _ entry: UnsafeMutablePointer<Entry>, _ result: Int,
    _ wanted: Int, _ flags: CInt
  ) -> Bool {
    result > 0 && result < wanted && flags == 0
      && operation.pointer.pointee.traits.contains(.tcp) && entry.pointee.isRegistered
      && !entry.pointee.mayStopShort
  }
}
