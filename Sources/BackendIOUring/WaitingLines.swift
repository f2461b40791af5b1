#if IOUring
  import CLinux
  import CoroutineAPI

  // Two coroutines may wait for the same direction of one descriptor, and are served in order. The
  // kernel does not promise that: of two receives on a socket it wakes the later one first. So the
  // ring is given one operation a direction at a time; the others wait in line here.

  /// Which operations are in flight on each descriptor, in order; the first of a line is the
  /// ring's.
  final class WaitingLines {
    private struct Entry {
      var reading = OperationList()
      var writing = OperationList()
    }

    // Raw memory, so that an entry is reached without an exclusivity check or a count.
    private let storage: UnsafeMutablePointer<UnsafeMutableBufferPointer<Entry>>

    init() {
      storage = .allocate(capacity: 1)
      storage.initialize(to: UnsafeMutableBufferPointer(start: nil, count: 0))
    }

    deinit {
      storage.pointee.deallocate()
      storage.deallocate()
    }

    /// Whether nobody waits for what the operation is about to ask.
    func isEmpty(for operation: KernelOperation.Reference) -> Bool {
      line(of: operation).pointee.isEmpty
    }

    /// Puts the operation at the end of its line.
    ///
    /// - Returns: Whether it is the first.
    func append(_ operation: KernelOperation.Reference) -> Bool {
      let line = line(of: operation)
      let isFirst = line.pointee.isEmpty
      line.pointee.append(operation)
      operation.pointer.pointee.backendWord = isFirst ? 0 : 1
      return isFirst
    }

    /// Takes the operation out of its line.
    ///
    /// - Returns: Whose turn it is then, if it was the first.
    func remove(_ operation: KernelOperation.Reference) -> KernelOperation.Reference? {
      let line = line(of: operation)
      let wasFirst = line.pointee.first == operation
      line.pointee.remove(operation)
      operation.pointer.pointee.backendWord = 0
      guard wasFirst, let next = line.pointee.first else { return nil }
      next.pointer.pointee.backendWord = 0
      return next
    }

    /// Whether the operation is in a line, and not the first.
    ///
    /// Its own word says so: one that has finished and is not reported yet is in another list.
    func isWaiting(_ operation: KernelOperation.Reference) -> Bool {
      operation.pointer.pointee.backendWord == 1
    }

    private func line(
      of operation: KernelOperation.Reference
    ) -> UnsafeMutablePointer<OperationList> {
      let kind = operation.pointer.pointee.kind
      let descriptor = Int(kind.descriptor)
      if descriptor >= storage.pointee.count { grow(toHold: descriptor) }
      guard descriptor >= 0, let direction = kind.direction,
        let start = storage.pointee.baseAddress
      else { fatalError("An operation that never waits has no line.") }
      let entry = start + descriptor
      switch direction {
      case .reading: return withUnsafeMutablePointer(to: &entry.pointee.reading) { $0 }
      case .writing: return withUnsafeMutablePointer(to: &entry.pointee.writing) { $0 }
      }
    }

    private func grow(toHold descriptor: Int) {
      let old = storage.pointee
      let new = UnsafeMutableBufferPointer<Entry>.allocate(
        capacity: max(64, descriptor + 1, old.count * 2))
      if let source = old.baseAddress, let target = new.baseAddress {
        target.moveInitialize(from: source, count: old.count)
      }
      new[old.count...].initialize(repeating: Entry())
      old.deallocate()
      storage.pointee = new
    }
  }
#endif
