#if IOUring
  import CLinux
  import CoroutineAPI

  // Two coroutines may wait for the same direction of one descriptor, and are served in order. The
  // kernel does not promise that: of two receives on a socket it wakes the later one first. So the
  // ring is given one operation a direction at a time; the others wait in line here. Who waits for
  // readiness alone (`poll`) stands in no line, and is only written down.

  /// Which operations are in flight on each descriptor, in order; the first of a line is the
  /// ring's.
  final class WaitingLines {
    private struct Entry {
      var reading = OperationList()
      var writing = OperationList()
      var polling = OperationList()
    }

    /// Where an operation is, in its own word.
    enum Place {
      /// The ring has it.
      static let ring: UInt64 = 0
      /// In a line, behind the one that the ring has.
      static let line: UInt64 = 1
      /// The ring has it, but its descriptor is gone: it is in no list here.
      static let stranded: UInt64 = 2
      /// It has its result, and the ring has yet to end its poll: it is in no list here.
      static let settled: UInt64 = 3
      /// It has its result, and the ring has yet to answer a cancellation: it is in no list here.
      static let held: UInt64 = 4
      /// It has its result, and is reported by this `wait` or the next.
      static let finished: UInt64 = 5
    }

    // Raw memory, so that an entry is reached without an exclusivity check or a count.
    private let storage: UnsafeMutablePointer<UnsafeMutableBufferPointer<Entry>>

    /// nil: the ring itself tells open files apart.
    let identities: FileIdentities?

    init(_ identities: FileIdentities?) {
      self.identities = identities
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
    /// - Returns: Whether it goes to the ring now.
    @inline(__always)
    func append(_ operation: KernelOperation.Reference) -> Bool {
      if identities != nil { noteIfUnused(operation.pointer.pointee.descriptor) }
      let line = line(of: operation)
      let isFirst = line.pointee.isEmpty || operation.pointer.pointee.direction == nil
      line.pointee.append(operation)
      operation.pointer.pointee.backendWord = isFirst ? Place.ring : Place.line
      return isFirst
    }

    /// As `append`, where the line is empty, and no identities are kept.
    ///
    /// - Returns: Whether it was so; if not, nothing was done.
    @inline(__always)
    func begin(
      _ operation: KernelOperation.Reference, _ direction: KernelOperation.Direction
    ) -> Bool {
      guard identities == nil, let entry = existingEntry(operation.pointer.pointee.descriptor)
      else { return false }
      let line =
        direction == .reading
        ? withUnsafeMutablePointer(to: &entry.pointee.reading) { $0 }
        : withUnsafeMutablePointer(to: &entry.pointee.writing) { $0 }
      guard line.pointee.isEmpty else { return false }
      line.pointee = OperationList(operation)
      operation.pointer.pointee.backendWord = Place.ring
      return true
    }

    /// Takes the operation out of its line.
    ///
    /// - Returns: Whose turn it is then, if it was the first.
    func remove(_ operation: KernelOperation.Reference) -> KernelOperation.Reference? {
      let line = line(of: operation)
      let wasFirst = line.pointee.first == operation
      line.pointee.remove(operation)
      operation.pointer.pointee.backendWord = Place.ring
      let descriptor = operation.pointer.pointee.descriptor
      if identities != nil { forgetIfUnused(descriptor) }
      guard wasFirst, operation.pointer.pointee.direction != nil,
        let next = line.pointee.first
      else { return nil }
      next.pointer.pointee.backendWord = Place.ring
      return next
    }

    /// As `remove`, for the first one of a line.
    @inline(__always)
    func removeFirst(_ operation: KernelOperation.Reference) -> KernelOperation.Reference? {
      let line = line(of: operation)
      _ = line.pointee.popFirst()
      if identities != nil { forgetIfUnused(operation.pointer.pointee.descriptor) }
      guard let next = line.pointee.first else { return nil }
      next.pointer.pointee.backendWord = Place.ring
      return next
    }

    @inline(never)
    private func noteIfUnused(_ descriptor: CInt) {
      if !isInUse(descriptor) { identities?.note(descriptor) }
    }

    @inline(never)
    private func forgetIfUnused(_ descriptor: CInt) {
      if !isInUse(descriptor) { identities?.forget(descriptor) }
    }

    // MARK: A descriptor's end

    /// Whether anybody waits on a descriptor.
    func isInUse(_ descriptor: CInt) -> Bool {
      guard let entry = existingEntry(descriptor) else { return false }
      return
        !(entry.pointee.reading.isEmpty && entry.pointee.writing.isEmpty
        && entry.pointee.polling.isEmpty)
    }

    /// Whose turn it is to write.
    func firstWriter(_ descriptor: CInt) -> KernelOperation.Reference? {
      existingEntry(descriptor)?.pointee.writing.first
    }

    /// Whether a connection is being made on a descriptor.
    func isConnecting(_ descriptor: CInt) -> Bool {
      guard let first = firstWriter(descriptor) else { return false }
      if case .connect = first.pointer.pointee.kind { return true }
      return false
    }

    /// Takes out somebody who waits on a descriptor.
    func popFirst(_ descriptor: CInt) -> KernelOperation.Reference? {
      guard let entry = existingEntry(descriptor) else { return nil }
      return entry.pointee.reading.popFirst() ?? entry.pointee.writing.popFirst()
        ?? entry.pointee.polling.popFirst()
    }

    @inline(__always)
    private func existingEntry(_ descriptor: CInt) -> UnsafeMutablePointer<Entry>? {
      guard descriptor >= 0, Int(descriptor) < storage.pointee.count else { return nil }
      return storage.pointee.baseAddress.map { $0 + Int(descriptor) }
    }

    /// Whether the operation is in a line, and not the first.
    ///
    /// Its own word says so: one that has finished and is not reported yet is in another list.
    func isWaiting(_ operation: KernelOperation.Reference) -> Bool {
      operation.pointer.pointee.backendWord == Place.line
    }

    @inline(__always)
    private func line(
      of operation: KernelOperation.Reference
    ) -> UnsafeMutablePointer<OperationList> {
      let descriptor = Int(operation.pointer.pointee.descriptor)
      if descriptor >= storage.pointee.count { grow(toHold: descriptor) }
      guard descriptor >= 0, let start = storage.pointee.baseAddress else {
        fatalError("An operation without a descriptor has no line.")
      }
      let entry = start + descriptor
      switch operation.pointer.pointee.direction {
      case .reading: return withUnsafeMutablePointer(to: &entry.pointee.reading) { $0 }
      case .writing: return withUnsafeMutablePointer(to: &entry.pointee.writing) { $0 }
      case nil: return withUnsafeMutablePointer(to: &entry.pointee.polling) { $0 }
      }
    }

    @inline(never)
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
