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
    struct Entry {
      // These two come first, in the order of `Direction`: see `removeOnly`.
      var reading = OperationList()
      var writing = OperationList()
      var polling = OperationList()
      /// Of a pipe's end that is read from: how many bytes the loop has written and not read, as
      /// far as it knows; nil if nothing is known.
      ///
      /// See `IOUringBackend+Pairs.swift`, for the next ones too.
      var unread: Int?
      /// More was read from it than the loop has written: others write, too.
      var hasStrangers = false
      /// The first of those who read was put in line unasked.
      var isPostponed = false
      /// Of such a pipe, and of its other end, what tells it from other files; 0: not known.
      var pipe: UInt64 = 0
    }

    // Raw memory, so that an entry is reached without an exclusivity check or a count.
    @exclusivity(unchecked) private var entries: UnsafeMutablePointer<Entry>
    @exclusivity(unchecked) private var entryCount: UInt32

    /// nil: the ring itself tells open files apart.
    let identities: FileIdentities?

    init(_ identities: FileIdentities?) {
      self.identities = identities
      entryCount = 64
      entries = .allocate(capacity: 64)
      entries.initialize(repeating: Entry(), count: 64)
    }

    deinit {
      entries.deallocate()
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
      operation.place = isFirst ? .ring : .line
      return isFirst
    }

    /// The line of a descriptor that somebody waited on before, if nobody is in it.
    @inline(__always)
    func emptyLine(
      _ descriptor: CInt, _ direction: KernelOperation.Direction
    ) -> UnsafeMutablePointer<OperationList>? {
      guard let entry = existingEntry(descriptor) else { return nil }
      let line = Self.line(of: entry, direction)
      return line.pointee.isEmpty ? line : nil
    }

    /// Takes the operation out of its line.
    ///
    /// - Returns: Whose turn it is then, if it was the first.
    func remove(_ operation: KernelOperation.Reference) -> KernelOperation.Reference? {
      let line = line(of: operation)
      let wasFirst = line.pointee.first == operation
      line.pointee.remove(operation)
      operation.place = .ring
      let descriptor = operation.pointer.pointee.descriptor
      if identities != nil { forgetIfUnused(descriptor) }
      guard wasFirst, operation.pointer.pointee.direction != nil,
        let next = line.pointee.first
      else { return nil }
      next.place = .ring
      return next
    }

    /// As `remove`, for the only one of a line that is read or written in turn, and where no
    /// identities are kept.
    @inline(__always)
    func removeOnly(_ operation: KernelOperation.Reference) {
      let lines = UnsafeMutableRawPointer(entries + Int(operation.pointer.pointee.descriptor))
        .assumingMemoryBound(to: OperationList.self)
      lines[Int(operation.pointer.pointee.direction.unsafelyUnwrapped.rawValue)] = OperationList()
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

    /// Forgets what is known of a pipe, on which nobody waits.
    func forgetPipe(_ descriptor: CInt) {
      guard let entry = existingEntry(descriptor) else { return }
      entry.pointee.unread = nil
      entry.pointee.hasStrangers = false
      entry.pointee.isPostponed = false
      entry.pointee.pipe = 0
    }

    /// Whether anybody waits for a descriptor's readiness.
    func isPolled(_ descriptor: CInt) -> Bool {
      existingEntry(descriptor).map { !$0.pointee.polling.isEmpty } ?? false
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
    func existingEntry(_ descriptor: CInt) -> UnsafeMutablePointer<Entry>? {
      // A negative one is beyond all others.
      let index = UInt32(bitPattern: descriptor)
      return index < entryCount ? entries + Int(index) : nil
    }

    /// Whether the operation is in a line, and not the first.
    ///
    /// Its own word says so: one that has finished and is not reported yet is in another list.
    func isWaiting(_ operation: KernelOperation.Reference) -> Bool {
      operation.place == .line
    }

    @inline(__always)
    private func line(
      of operation: KernelOperation.Reference
    ) -> UnsafeMutablePointer<OperationList> {
      let descriptor = operation.pointer.pointee.descriptor
      if UInt32(bitPattern: descriptor) >= entryCount { grow(toHold: descriptor) }
      return Self.line(of: entries + Int(descriptor), operation.pointer.pointee.direction)
    }

    @inline(__always)
    private static func line(
      of entry: UnsafeMutablePointer<Entry>, _ direction: KernelOperation.Direction?
    ) -> UnsafeMutablePointer<OperationList> {
      switch direction {
      case .reading: withUnsafeMutablePointer(to: &entry.pointee.reading) { $0 }
      case .writing: withUnsafeMutablePointer(to: &entry.pointee.writing) { $0 }
      case nil: withUnsafeMutablePointer(to: &entry.pointee.polling) { $0 }
      }
    }

    @inline(never)
    private func grow(toHold descriptor: CInt) {
      precondition(descriptor >= 0, "An operation without a descriptor has no line.")
      let count = max(Int(descriptor) + 1, Int(entryCount) * 2)
      let new = UnsafeMutablePointer<Entry>.allocate(capacity: count)
      new.moveInitialize(from: entries, count: Int(entryCount))
      (new + Int(entryCount)).initialize(repeating: Entry(), count: count - Int(entryCount))
      entries.deallocate()
      entries = new
      entryCount = UInt32(count)
    }
  }
#endif
