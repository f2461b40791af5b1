#if IOUring
  import CoroutineAPI

  // What the backend notes of an operation, in the operation's own word. As a rule that is nothing,
  // and the word is 0.

  /// Where an operation is.
  enum Place: UInt8 {
    /// The ring has it.
    case ring = 0
    /// In a line, behind the one that the ring has.
    case line
    /// The ring has it, but its descriptor is gone: it is in no line.
    case stranded
    /// It has its result, and the ring has yet to end its poll: it is in no line.
    case settled
    /// It has its result, and the ring has yet to answer a cancellation: it is in no line.
    case held
    /// It has its result, and is reported by this `wait` or the next.
    case finished
  }

  extension KernelOperation.Reference {
    /// The ring has the operation itself, and nothing but its end is to be heard of it.
    var isPlain: Bool {
      @inline(__always) get { pointer.pointee.backendWord == 0 }
    }

    /// Where it is.
    var place: Place {
      get { unsafeBitCast(UInt8(truncatingIfNeeded: pointer.pointee.backendWord), to: Place.self) }
      nonmutating set {
        pointer.pointee.backendWord &= ~0xff
        pointer.pointee.backendWord |= UInt64(newValue.rawValue)
      }
    }

    /// What the ring has is its descriptor's poll, and not itself.
    var hasPoll: Bool {
      get { pointer.pointee.backendWord & Self.pollBit != 0 }
      nonmutating set {
        pointer.pointee.backendWord &= ~Self.pollBit
        if newValue { pointer.pointee.backendWord |= Self.pollBit }
      }
    }

    /// How many of its cancellations the ring has yet to answer.
    var answersDue: Int {
      get { Int(pointer.pointee.backendWord >> 16) }
      nonmutating set {
        pointer.pointee.backendWord &= 0xffff
        pointer.pointee.backendWord |= UInt64(newValue) << 16
      }
    }

    /// What it moves is noted: see `IOUringBackend+Pairs.swift`.
    func markPaired() {
      pointer.pointee.backendWord |= 0x200
    }

    private static var pollBit: UInt64 { 0x100 }
  }
#endif
