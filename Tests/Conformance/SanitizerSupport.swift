import CContext
@preconcurrency import Glibc
import Testing

/// What a case must know of a sanitizer that it may be built with.
enum Sanitizer {
  static let isThread = dlsym(nil, "__tsan_init") != nil
  static let isAddress = dlsym(nil, "__asan_init") != nil

  /// So many coroutines at a time, or as many as a sanitizer lets be.
  ///
  /// ThreadSanitizer maps memory twice for each, and the kernel permits 65,530 mappings
  /// (`vm.max_map_count`); AddressSanitizer takes 90 KiB for each.
  static func coroutineCount(_ count: Int) -> Int {
    let countMax = 10_000
    guard isThread || isAddress, count > countMax else { return count }
    let title = Test.current?.name ?? "a case"
    fputs("Conformance: under a sanitizer only \(countMax) coroutines: \(title)\n", stderr)
    return countMax
  }
}

/// An address on the calling coroutine's stack.
///
/// A local variable's may lie elsewhere: AddressSanitizer moves variables away from the stack.
func stackAddress() -> UInt { UInt(coro_stack_address()) }

/// Lets SIGSEGV end the process; a sanitizer would make it an exit code.
func letSegmentationFaultEndProcess() { _ = signal(SIGSEGV, SIG_DFL) }
