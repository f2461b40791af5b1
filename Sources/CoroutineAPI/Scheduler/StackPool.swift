import CContext
import CLinux
import Glibc

/// A coroutine's stack: [low, low + size), of which the lowest `guardSize` bytes are a guard.
struct Stack {
  let low: UnsafeMutableRawPointer?
  let size: Int
  /// Belongs to a slab and is reused; otherwise it is a mapping of its own.
  let isPooled: Bool

  /// What the main coroutine has: the thread's own stack, which is nobody's to manage.
  static var thread: Stack { Stack(low: nil, size: 0, isPooled: false) }

  /// Swift emits no stack probes: one frame may step over less than this.
  static let guardSize = 64 * 1024
  /// With the guard.
  ///
  /// 192 KiB and a page can be used, which are 196 where a page has 4 KiB.
  static let defaultSize = defaultSize(pageSize: sysconf(CInt(_SC_PAGESIZE)))

  /// An odd number of pages: the topmost ones of stacks 256 KiB apart share few sets of the
  /// second-level TLB, and 200 coroutines are too many for those.
  static func defaultSize(pageSize: Int) -> Int { 256 * 1024 + pageSize }

  static let minimumUsableSize = 16 * 1024

  /// The bytes that code can use of a stack that is asked for by this size.
  static func usableSize(asked: Int?) -> Int {
    asked.map { max($0, minimumUsableSize) } ?? defaultSize - guardSize
  }

  /// Where the record lies.
  ///
  /// Equal places in every stack would share a few sets of the L1 cache, so they are spread
  /// ("coloured") over the upper half of the topmost page.
  func recordAddress(colour: Int) -> CoroutineRecord.Reference {
    let offset = (colour % Stack.colourCount) * Stack.colourStride
    let recordSize = (MemoryLayout<CoroutineRecord>.size + 63) & ~63
    guard let low else { fatalError("The thread's own stack has no record on it.") }
    return (low + (size - recordSize - offset)).assumingMemoryBound(to: CoroutineRecord.self)
  }

  static let colourCount = 16
  static let colourStride = 128
}

/// Stacks for the coroutines of one loop.
///
/// Default-sized ones come from slabs and are reused, the last one first. Others are mapped and
/// unmapped one by one. A stack is handed around as the address of the record at its top.
struct StackPool {
  /// Reused next; may hold pages that were touched deep down.
  private var recent: CoroutineRecord.Reference?
  /// Known to hold no more than their topmost pages.
  private var trimmed: CoroutineRecord.Reference?
  /// Not pooled; unmapped as soon as nobody stands on them.
  private var retired: CoroutineRecord.Reference?

  private var slabs: [Slab] = []
  private var usedOfLastSlab = 0
  /// So many have their guard; no less than are used.
  private var guardedOfLastSlab = 0
  /// Stacks that were handed out for the first time.
  private var madeCount = 0

  private struct Slab {
    let low: UnsafeMutableRawPointer
    let stackCount: Int
  }

  private static let slabStackCountMin = 16
  private static let slabStackCountMax = 1024

  /// A stack with at least `usableSize` bytes, or the default number where that is nil.
  ///
  /// - Returns: The place of the record, with only `stack` being valid in it; nil without memory,
  ///   errno says why.
  @inline(__always)
  mutating func acquire(usableSize: Int?) -> (place: CoroutineRecord.Reference, stack: Stack)? {
    if usableSize == nil, let place = recent {
      recent = place.pointee.next
      return (place, place.pointee.stack)
    }
    return acquireOther(usableSize)
  }

  @inline(never)
  private mutating func acquireOther(
    _ usableSize: Int?
  ) -> (place: CoroutineRecord.Reference, stack: Stack)? {
    guard let usableSize else { return acquirePooled() }
    unmapRetired(except: nil)
    // 16 or 64 KiB on some machines with arm64.
    let page = sysconf(CInt(_SC_PAGESIZE))
    // One page more: the record and its colour take a part of the topmost one.
    let usable = max(usableSize, Stack.minimumUsableSize).addingReportingOverflow(
      Stack.guardSize + 2 * page)
    let size = usable.partialValue & ~(page - 1)
    guard !usable.overflow else {
      errno = ENOMEM
      return nil
    }
    guard let low = coro_stack_reserve(size) else { return nil }
    let stack = Stack(low: low, size: size, isPooled: false)
    guard coro_stack_guard(low, Stack.guardSize) == 0 else {
      let reason = errno
      coro_stack_release(low, size)  // Sets errno too, perhaps.
      errno = reason
      return nil
    }
    madeCount += 1
    return (stack.recordAddress(colour: madeCount), stack)
  }

  private mutating func acquirePooled() -> (place: CoroutineRecord.Reference, stack: Stack)? {
    if let place = trimmed {
      trimmed = place.pointee.next
      return (place, place.pointee.stack)
    }
    if slabs.isEmpty || usedOfLastSlab == slabs[slabs.count - 1].stackCount {
      guard addSlab() else { return nil }
    }
    let slab = slabs[slabs.count - 1]
    let low = slab.low + usedOfLastSlab * Stack.defaultSize
    let stack = Stack(low: low, size: Stack.defaultSize, isPooled: true)
    if usedOfLastSlab == guardedOfLastSlab {
      // A guard costs page tables: no more in advance than an eighth of what there is.
      let wanted = max(1, min(madeCount / 8, slab.stackCount - usedOfLastSlab))
      let made = coro_stack_guard_row(
        low, Stack.defaultSize, Stack.guardSize, CInt(clamping: wanted))
      guard made > 0 else { return nil }
      guardedOfLastSlab += Int(made)
    }
    usedOfLastSlab += 1
    madeCount += 1
    return (stack.recordAddress(colour: madeCount), stack)
  }

  private mutating func addSlab() -> Bool {
    let previous = slabs.last?.stackCount ?? 0
    var count = min(max(previous * 2, Self.slabStackCountMin), Self.slabStackCountMax)
    // Where address space is accounted for, a large slab may fail and a small one succeed.
    while count > 0 {
      if let low = coro_stack_reserve(count * Stack.defaultSize) {
        slabs.append(Slab(low: low, stackCount: count))
        usedOfLastSlab = 0
        guardedOfLastSlab = 0
        return true
      }
      count /= 2
    }
    return false
  }

  /// Takes a stack back.
  ///
  /// The caller may be standing on it until the next switch: nothing is unmapped or trimmed here,
  /// and nobody acquires a stack before that switch.
  mutating func release(_ place: CoroutineRecord.Reference) {
    if place.pointee.stack.isPooled {
      place.pointee.next = recent
      recent = place
    } else {
      place.pointee.next = retired
      retired = place
    }
  }

  /// Whether there is anything to trim.
  var hasLeftovers: Bool { recent != nil || retired != nil }

  /// Gives pages back that ended coroutines touched deep down.
  ///
  /// For a loop that has nothing to do.
  mutating func trim(except running: CoroutineRecord.Reference) {
    if retired != nil { unmapRetired(except: running) }
    var kept: CoroutineRecord.Reference?
    var budget = 64
    while budget > 0, let place = recent {
      recent = place.pointee.next
      if place == running {
        place.pointee.next = kept
        kept = place
        continue
      }
      budget -= 1
      let stack = place.pointee.stack
      if let low = stack.low {
        let kept = 2 * 4096
        _ = coro_stack_trim(low + Stack.guardSize, stack.size - Stack.guardSize - kept)
      }
      place.pointee.next = trimmed
      trimmed = place
    }
    if let kept {
      kept.pointee.next = recent
      recent = kept
    }
  }

  private mutating func unmapRetired(except running: CoroutineRecord.Reference?) {
    var remaining: CoroutineRecord.Reference?
    while let place = retired {
      retired = place.pointee.next
      if place == running {
        place.pointee.next = remaining
        remaining = place
      } else if let low = place.pointee.stack.low {
        coro_stack_release(low, place.pointee.stack.size)
      }
    }
    retired = remaining
  }

  /// Unmaps everything.
  ///
  /// Nobody stands on any of these stacks.
  mutating func releaseAll() {
    unmapRetired(except: nil)
    for slab in slabs { coro_stack_release(slab.low, slab.stackCount * Stack.defaultSize) }
    slabs = []
    recent = nil
    trimmed = nil
  }
}
