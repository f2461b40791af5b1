import CContext
@testable import CoroutineAPI
import Glibc
import Testing

/// Stacks: where they come from, and where their memory goes.
@Suite struct Stacks {
  private final class Owner {
    var pool = StackPool()
    let core = UnsafeMutablePointer<SchedulerCore>.allocate(capacity: 1)
    let object = Coroutine()

    deinit {
      pool.releaseAll()
      core.deallocate()
    }

    func acquire(_ usableSize: Int? = nil) throws -> CoroutineRecord.Reference {
      let acquired = pool.acquire(usableSize: usableSize)
      let (place, stack) = try #require(acquired)
      place.initialize(to: Records.record(core, object, stack))
      return place
    }
  }

  private static let page = 4096

  /// Whether the page is resident; nil: nothing is mapped there.
  private static func isResident(_ address: UnsafeMutableRawPointer) -> Bool? {
    var answer: UInt8 = 0
    return mincore(address, page, &answer) == 0 ? answer & 1 == 1 : nil
  }

  private static func low(_ place: CoroutineRecord.Reference) throws -> UnsafeMutableRawPointer {
    try #require(place.pointee.stack.low)
  }

  @Test func `the stack that was given back last is reused first`() throws {
    let owner = Owner()
    let places = try (0..<4).map { _ in try owner.acquire() }
    for index in [2, 0, 3] { owner.pool.release(places[index]) }
    let again = try (0..<3).map { _ in try owner.acquire() }
    #expect(again == [places[3], places[0], places[2]])
  }

  @Test func `stacks do not overlap`() throws {
    let owner = Owner()
    let stacks = try (0..<100).map { _ in try owner.acquire().pointee.stack }
    let lows = stacks.compactMap(\.low).sorted()
    #expect(lows.count == 100)
    for (low, next) in zip(lows, lows.dropFirst()) { #expect(next - low >= Stack.defaultSize) }
  }

  @Test func `records lie at different places of their topmost pages`() throws {
    let owner = Owner()
    var offsets: Set<Int> = []
    for _ in 0..<Stack.colourCount {
      let place = try owner.acquire()
      let top = try Self.low(place) + place.pointee.stack.size
      let distance = top - UnsafeMutableRawPointer(place)
      #expect(distance < Self.page, "A parked coroutine fits one page.")
      #expect(distance >= MemoryLayout<CoroutineRecord>.size)
      #expect(UInt(bitPattern: place) % 64 == 0)
      offsets.insert(distance)
    }
    #expect(offsets.count == Stack.colourCount)
  }

  @Test func `the usable part is as large as was asked for`() throws {
    let owner = Owner()
    for size in [1, 16_384, 100_000, 1 << 20] {
      let place = try owner.acquire(size)
      let usable = UnsafeMutableRawPointer(place) - (try Self.low(place) + Stack.guardSize)
      #expect(usable >= max(size, Stack.minimumUsableSize))
      owner.pool.release(place)
    }
    let place = try owner.acquire()
    let usable = UnsafeMutableRawPointer(place) - (try Self.low(place) + Stack.guardSize)
    #expect(usable > 192 * 1024)
  }

  @Test(arguments: [4_096, 16_384, 65_536])
  func `stacks are an odd number of pages apart, whatever a page's size`(pageSize: Int) {
    let size = Stack.defaultSize(pageSize: pageSize)
    #expect(size % pageSize == 0)
    #expect(size / pageSize % 2 == 1)
    #expect(size - Stack.guardSize >= 192 * 1024 + pageSize)
  }

  @Test func `a size that can't be had is refused with ENOMEM`() {
    var pool = StackPool()
    for size in [Int.max, .max / 2, 1 << 60] {
      errno = 0
      let acquired = pool.acquire(usableSize: size)
      let reason = errno
      #expect(acquired == nil)
      #expect(reason == ENOMEM)
    }
  }

  @Test func `a stack of its own size is unmapped, but not under who stands on it`() throws {
    let owner = Owner()
    // So large that nobody else's mapping will lie at its low end at once.
    let place = try owner.acquire(1 << 30)
    let low = try Self.low(place)
    owner.pool.release(place)
    owner.pool.trim(except: place)
    #expect(Self.isResident(low) != nil)
    owner.pool.trim(except: try owner.acquire())
    #expect(Self.isResident(low) == nil)
  }

  @Test func `trimming gives deep pages back and keeps the topmost`() throws {
    let owner = Owner()
    let place = try owner.acquire()
    let low = try Self.low(place)
    let deep = low + Stack.guardSize
    let top = low + Stack.defaultSize - Self.page
    memset(deep, 1, Self.page)
    #expect(Self.isResident(deep) == true)
    owner.pool.release(place)
    owner.pool.trim(except: place)
    #expect(Self.isResident(deep) == true, "Somebody stands on it.")
    let nobody = Records.thread(owner.core, owner.object)
    defer { nobody.deallocate() }
    owner.pool.trim(except: nobody)
    #expect(Self.isResident(deep) == false)
    #expect(Self.isResident(top) == true)
    #expect(try owner.acquire() == place)
  }

  @Test func `a stack that was used deep is preferred to no other when it is trimmed`() throws {
    let owner = Owner()
    let places = try (0..<200).map { _ in try owner.acquire() }
    for place in places {
      memset(try Self.low(place) + Stack.guardSize, 1, Self.page)
      owner.pool.release(place)
    }
    let nobody = Records.thread(owner.core, owner.object)
    defer { nobody.deallocate() }
    // A bounded number at a time: no wait is preceded by long work.
    for _ in 0..<10 { owner.pool.trim(except: nobody) }
    for place in places { #expect(Self.isResident(try Self.low(place) + Stack.guardSize) == false) }
    let again = try Set((0..<200).map { _ in try owner.acquire() })
    #expect(again == Set(places))
  }

  /// Guards are made in rows, once there are some stacks.
  @Test func `of many stacks each has its guard, and no more`() throws {
    var ends: [CInt] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    /// Whether the kernel can read there; it asks no sanitizer.
    func isReadable(_ address: UnsafeMutableRawPointer) -> Bool {
      var byte: UInt8 = 0
      return write(ends[1], address, 1) == 1 && read(ends[0], &byte, 1) == 1
    }
    let owner = Owner()
    for _ in 0..<300 {
      let low = try Self.low(owner.acquire())
      #expect(!isReadable(low) && !isReadable(low + Stack.guardSize - 1))
      #expect(isReadable(low + Stack.guardSize))
    }
  }

  @Test func `touching the guard is a segmentation fault`() async {
    await #expect(processExitsWith: .signal(SIGSEGV)) {
      // A sanitizer's own handler would make it an exit code.
      _ = signal(SIGSEGV, SIG_DFL)
      var pool = StackPool()
      guard let low = pool.acquire(usableSize: nil)?.stack.low else { return }
      (low + Stack.guardSize - 1).storeBytes(of: 1, as: UInt8.self)
    }
  }

  @Test func `the guard's low end is one too`() async {
    await #expect(processExitsWith: .signal(SIGSEGV)) {
      // A sanitizer's own handler would make it an exit code.
      _ = signal(SIGSEGV, SIG_DFL)
      var pool = StackPool()
      _ = pool.acquire(usableSize: nil)
      guard let low = pool.acquire(usableSize: nil)?.stack.low else { return }
      low.storeBytes(of: 1, as: UInt8.self)
    }
  }

  @Test func `a record's address is its context's`() {
    #expect(MemoryLayout<CoroutineRecord>.offset(of: \.context) == 0)
    // The report of an overflow, in C, starts there.
    #expect(MemoryLayout<SchedulerCore>.offset(of: \.dispatcher) == 0)
    #expect(MemoryLayout<CoroutineRecord>.size < 1_024)
  }
}

extension Records {
  /// A record that lies on no stack of a pool; to be deallocated.
  static func thread(
    _ core: UnsafeMutablePointer<SchedulerCore>, _ object: Coroutine
  ) -> CoroutineRecord.Reference {
    let record = CoroutineRecord.Reference.allocate(capacity: 1)
    record.initialize(to: Records.record(core, object, .thread))
    return record
  }
}
