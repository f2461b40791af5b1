#if IOUring
  import CoroutineAPI

  /// What a completion is for: the low bits of its 64-bit word; the rest is an address.
  enum Tag: UInt64 {
    case operation = 0
    /// The cancellation of an operation.
    case cancellation = 1
    case wakeUp = 2
    /// A question of `strandIfReused`.
    case probe = 3

    @inline(__always)
    init(_ word: UInt64) {
      self = word & 7 == 0 ? .operation : Tag(rawValue: word & 7) ?? .operation
    }

    func word(_ operation: KernelOperation.Reference) -> UInt64 {
      UInt64(UInt(bitPattern: operation.pointer)) | rawValue
    }

    /// nil if the completion is for something else.
    @inline(__always)
    static func plainOperation(in word: UInt64) -> KernelOperation.Reference? {
      // No entry's word is 0.
      word & 7 == 0
        ? KernelOperation.Reference(UnsafeMutablePointer(bitPattern: UInt(word)).unsafelyUnwrapped)
        : nil
    }

    @inline(__always)
    static func operation(in word: UInt64) -> KernelOperation.Reference? {
      UnsafeMutablePointer(bitPattern: UInt(word & ~7)).map { KernelOperation.Reference($0) }
    }
  }
#endif
