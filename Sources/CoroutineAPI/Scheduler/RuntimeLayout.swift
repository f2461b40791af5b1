import CContext
import Glibc

/// Where the Swift runtime keeps the words that must switch with a coroutine.
///
/// None of this is public, so it is found out by experiment, once a process, on a thread of its own
/// whose words are all zero, and each finding is checked by its content. What is not found is not
/// switched: then task-local values behave as they do between ordinary functions of one thread.
struct RuntimeLayout: Sendable {
  /// Offsets into Swift Concurrency's thread-local block; nil: not found.
  var task: Int?
  var executor: Int?
  var taskLocals: Int?
  /// The offset of the list of task-local values in a task; nil: not found.
  var valuesInTask: Int?

  static let found: RuntimeLayout = {
    nonisolated(unsafe) var layout = RuntimeLayout()
    var thread = pthread_t()
    // The initialiser of a static property runs once, and this thread waits for the other.
    withUnsafeMutablePointer(to: &layout) { pointer in
      let created = pthread_create(
        &thread, nil,
        { argument in
          argument?.assumingMemoryBound(to: RuntimeLayout.self).pointee = .search()
          return nil
        }, pointer)
      if created == 0 { pthread_join(thread, nil) }
    }
    return layout
  }()

  @TaskLocal static var probe: UInt64 = 0
  private static let probeValue: UInt64 = 0x5eed_c0de_0bad_cafe

  // MARK: The words of a thread

  /// Points `words` at the calling thread's words, as far as they were found.
  static func locate(
    _ words: UnsafeMutablePointer<coro_words>, _ exclusivity: ExclusivityMode? = nil
  ) {
    coro_words_reset(words)
    locateExclusivity(words, exclusivity)
    let layout = found
    var low: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    var size = 0
    guard layout.task != nil, block(&low, &size), let low else { return }
    let offsets = [layout.task, layout.executor, layout.taskLocals]
    withUnsafeMutableBytes(of: &words.pointee.location) { bytes in
      let locations = bytes.bindMemory(to: UnsafeMutablePointer<UnsafeMutableRawPointer?>.self)
      for (index, offset) in offsets.enumerated() {
        guard let offset, offset < size / 8 else { continue }
        locations[Int(CORO_WORD_TASK) + index] = low + offset
      }
    }
    coro_words_settle(words)
  }

  /// The exclusivity checker's list.
  private static func locateExclusivity(
    _ words: UnsafeMutablePointer<coro_words>, _ mode: ExclusivityMode?
  ) {
    switch mode {
    case .shared: break
    case .calls: words.pointee.uses_exclusivity_calls = true
    case nil, .separate, .report:
      guard !coro_words_find_exclusivity(words) else { return }
      words.pointee.uses_exclusivity_calls = true
      // Who did not ask is not bothered: it works, only slower.
      if mode == .separate { ExclusivityMode.saysLayoutIsUnknown }
    }
  }

  /// Whether open accesses can be reported on the calling thread; says so if they can't.
  static func canReport(_ words: UnsafeMutablePointer<coro_words>) -> Bool {
    let canReport = !words.pointee.uses_exclusivity_calls && coro_access_layout_is_known(words)
    if !canReport { ExclusivityMode.saysLayoutIsUnknown }
    return canReport
  }

  private static func block(
    _ low: inout UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ size: inout Int
  ) -> Bool {
    var start: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    let isThere = withUnsafeMutablePointer(to: &start) {
      $0.withMemoryRebound(to: UnsafeMutableRawPointer?.self, capacity: 1) {
        coro_concurrency_block($0, &size)
      }
    }
    low = start
    return isThere
  }

  // MARK: The search

  private static func search() -> RuntimeLayout {
    var layout = RuntimeLayout()
    var low: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    var size = 0
    // Once for warming up: the first use of anything may set words of its own.
    $probe.withValue(1) {}
    _ = Task.immediate {}
    guard block(&low, &size), let low else { return layout }
    let words = size / MemoryLayout<UInt>.size
    let raw = UnsafeRawPointer(low)
    let before = snapshot(raw, words)

    // Outside a task: one word becomes a list whose first item is our value.
    $probe.withValue(probeValue) {
      let inside = snapshot(raw, words)
      layout.taskLocals = (0..<words).first { index in
        before[index] == 0 && inside[index] != 0 && inside[index] % 8 == 0
          && UnsafePointer<UInt>(bitPattern: inside[index]).map { isProbeItem($0.pointee) } == true
      }
    }

    // Inside a task: one word is the task, another points into this stack.
    let search = TaskSearch(block: raw, words: words, before: before)
    _ = Task.immediate { search.run() }
    layout.task = search.task
    layout.executor = search.executor
    layout.valuesInTask = search.valuesInTask
    // The words belong together: part of them would be worse than none.
    if layout.task == nil || layout.executor == nil || layout.taskLocals == nil {
      return RuntimeLayout()
    }
    return layout
  }

  fileprivate static func snapshot(_ start: UnsafeRawPointer, _ count: Int) -> [UInt] {
    (0..<count).map { start.load(fromByteOffset: $0 * 8, as: UInt.self) }
  }

  /// Whether a list item at this address holds the probe's value.
  fileprivate static func isProbeItem(_ address: UInt) -> Bool {
    guard address % 8 == 0, let item = UnsafePointer<UInt>(bitPattern: address) else {
      return false
    }
    return item[1] == UInt(bitPattern: Unmanaged.passUnretained($probe).toOpaque())
      && item[2]
        == UInt(bitPattern: unsafeBitCast(UInt64.self as Any.Type, to: UnsafeRawPointer.self))
      && UInt64(item[3]) == probeValue
  }

  /// The part of the search that runs inside a task.
  // Safe to call Sendable: it is used on one thread, by a task that runs at once and never waits.
  private final class TaskSearch: @unchecked Sendable {
    let block: UnsafeRawPointer
    let words: Int
    let before: [UInt]
    var task: Int?
    var executor: Int?
    var valuesInTask: Int?

    init(block: UnsafeRawPointer, words: Int, before: [UInt]) {
      self.block = block
      self.words = words
      self.before = before
    }

    func run() {
      var current: UInt = 0
      withUnsafeCurrentTask { task in
        if let task { current = unsafeBitCast(task, to: UInt.self) }
      }
      guard current != 0 else { return }
      let stack = UInt(coro_stack_address())
      let inside = snapshot(block, words)
      for index in 0..<words where inside[index] != before[index] {
        if inside[index] == current { task = index }
        let distance = inside[index] > stack ? inside[index] - stack : stack - inside[index]
        if distance < 64 * 1024 { executor = index }
      }
      searchTask(at: current)
    }

    private func searchTask(at address: UInt) {
      guard let start = UnsafeMutableRawPointer(bitPattern: address) else { return }
      let count = min(coro_allocation_size(start) / 8, 96)
      let outside = snapshot(start, count)
      $probe.withValue(probeValue) {
        let inside = snapshot(start, count)
        valuesInTask = (0..<count).first { index in
          inside[index] != outside[index] && inside[index] > 4096 && isProbeItem(inside[index] & ~7)
        }
      }
    }
  }
}
