import CContext
@testable import CoroutineAPI
import Glibc
import Testing

/// What is assumed of the Swift runtime.
///
/// A toolchain that changes it must fail here, and loudly.
@Suite struct Runtime {
  @Test func `the three words of Swift Concurrency are found`() {
    let layout = RuntimeLayout.found
    #expect(layout.task != nil)
    #expect(layout.executor != nil)
    #expect(layout.taskLocals != nil)
    #expect(Set([layout.task, layout.executor, layout.taskLocals]).count == 3)
  }

  @Test func `a task's list of values is found`() {
    #expect(RuntimeLayout.found.valuesInTask != nil)
  }

  @Test func `the runtime's calls for task-local values are there`() {
    #expect(coro_has_task_local_calls())
  }

  @Test func `the exclusivity word is found, on each thread its own`() throws {
    let here = try #require(Self.exclusivityWord())
    let there = try #require(onAnotherThread { Self.exclusivityWord() })
    #expect(here != there)
  }

  /// The address of the calling thread's word, after a look at what it holds.
  private static func exclusivityWord() -> UInt? {
    var words = coro_words()
    return withUnsafeMutablePointer(to: &words) { words in
      coro_words_reset(words)
      guard coro_words_find_exclusivity(words) else { return nil }
      return UInt(bitPattern: words.pointee.location.0)
    }
  }

  @Test func `every word of a loop has its own place, and none is spare`() throws {
    try withScript { _ in
      guard let scheduler = Scheduler.current else { fatalError("There is a loop.") }
      let words = withUnsafePointer(to: &scheduler.core.pointee.dispatcher.words) { $0 }
      let location = words.pointee.location
      let places = [location.0, location.1, location.2, location.3].map { UInt(bitPattern: $0) }
      #expect(Set(places).count == 4)
      let spare = UInt(bitPattern: words)..<UInt(bitPattern: words + 1)
      for place in places { #expect(!spare.contains(place)) }
      #expect(!words.pointee.uses_exclusivity_calls)
    }
  }

  /// Else each switch takes the long way, which is right, and several times slower.
  @Test func `a switch can look at the words where they are`() throws {
    var words = coro_words()
    withUnsafeMutablePointer(to: &words) { RuntimeLayout.locate($0) }
    let three = [words.location.1, words.location.2, words.location.3].compactMap { $0 }
    let first = try #require(three.min())
    #expect(Set(three) == [first, first + 1, first + 2])
    #expect(words.three_words == UnsafePointer(first))
    #expect(words.one_word == words.location.0.map { UnsafePointer($0) })
  }

  @Test func `where words lie apart, or somebody must be told, the long way is taken`() {
    var words = coro_words()
    coro_words_reset(&words)
    #expect(!coro_words_matter(&words))
    words.must_tell = true
    coro_words_settle(&words)
    #expect(coro_words_matter(&words))
    words.must_tell = false
    var apart: (UnsafeMutableRawPointer?, Int, Int, Int) = (nil, 0, 0, 0)
    withUnsafeMutablePointer(to: &apart.0) { place in
      words.location.2 = place
      coro_words_settle(&words)
      #expect(coro_words_matter(&words))
    }
    coro_words_reset(&words)
    #expect(!coro_words_matter(&words))
  }

  @Test func `a loop on another thread finds that thread's words`() {
    let isRight = onAnotherThread {
      var value = 0
      try? withScript { _ in
        Coroutine { value = Self.$local.withValue(5) { Self.local } }.start()
        try Coroutine.sleep(1)
      }
      return value == 5
    }
    #expect(isRight)
  }

  @TaskLocal static var local = 0

  @Test func `task-local values are inherited at the start, and leak nowhere`() throws {
    try withScript { _ in
      var log: [Int] = []
      Self.$local.withValue(1) {
        Coroutine {
          log.append(Self.local)
          try Self.$local.withValue(2) {
            try Coroutine.sleep(1)
            log.append(Self.local)
          }
          log.append(Self.local)
        }.start()
      }
      Coroutine {
        log.append(Self.local)
        try Self.$local.withValue(3) { try Coroutine.sleep(2) }
        log.append(Self.local)
      }.start()
      try Coroutine.sleep(3)
      #expect(log == [1, 0, 2, 1, 0])
      #expect(Self.local == 0)
    }
  }

  @Test func `two coroutines may modify one variable in turns, each within its own access`() throws
  {
    final class Shared { var values = [1, 2, 3] }
    try withScript { _ in
      let shared = Shared()
      func modify(_ value: inout Int, for seconds: Double) {
        value += 1
        _ = try? Coroutine.sleep(seconds)
      }
      Coroutine { modify(&shared.values[0], for: 1) }.start()
      Coroutine { try Coroutine.sleep(2) }.start()
      try Coroutine.sleep(3)
      modify(&shared.values[1], for: 1)
      #expect(shared.values == [2, 3, 3])
    }
  }
}

/// Calls `body` on a thread made for it, and waits for what it returns.
func onAnotherThread<Result>(_ body: @escaping () -> Result) -> Result {
  var result: Result?
  let work = ThreadWork { result = body() }
  var thread = pthread_t()
  let created = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      Unmanaged<ThreadWork>.fromOpaque(argument).takeUnretainedValue().run()
      return nil
    }, Unmanaged.passUnretained(work).toOpaque())
  guard created == 0 else { fatalError("No thread is to be had.") }
  pthread_join(thread, nil)
  guard let result else { fatalError("The thread left no result.") }
  return result
}

private final class ThreadWork {
  let run: () -> Void

  init(_ run: @escaping () -> Void) {
    self.run = run
  }
}
