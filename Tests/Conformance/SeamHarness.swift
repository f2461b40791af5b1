import CLinux
import CoroutineAPI
import Glibc
import Testing

/// A backend used directly, as a scheduler uses it, with its contract checked.
final class Seam {
  let backend: CheckedBackend
  /// How often each was reported.
  private var finished: [KernelOperation.Reference: Int] = [:]
  private var operations: [KernelOperation.Reference] = []
  private var descriptors: [CInt] = []

  init(_ backend: BackendUnderTest) throws {
    self.backend = CheckedBackend(try backend.choice.make())
  }

  // MARK: Operations

  /// An operation at a stable address.
  func operation(
    _ kind: KernelOperation.Kind, traits: KernelOperation.Traits = [], mayWait: Bool = true
  ) -> KernelOperation.Reference {
    let pointer = UnsafeMutablePointer<KernelOperation>.allocate(capacity: 1)
    pointer.initialize(to: KernelOperation(kind, traits: traits, mayWait: mayWait))
    operations.append(KernelOperation.Reference(pointer))
    return KernelOperation.Reference(pointer)
  }

  /// Starts an operation; one that finishes at once is noted like one that is reported later.
  func start(_ operation: KernelOperation.Reference) {
    if backend.start(operation) { finished[operation, default: 0] += 1 }
  }

  /// Starts an operation of this kind, and waits for its result.
  func perform(_ kind: KernelOperation.Kind, mayWait: Bool = true) -> Int {
    let operation = operation(kind, mayWait: mayWait)
    start(operation)
    return result(of: operation)
  }

  func cancel(_ operation: KernelOperation.Reference) {
    guard !isFinished(operation) else { return }
    operation.pointer.pointee.isCancelled = true
    backend.cancel(operation)
  }

  /// Waits once.
  func wait(_ limit: WaitLimit = .forever) {
    var completed = Completions()
    backend.wait(limit, completed: &completed)
    while let operation = completed.popFirst() { finished[operation, default: 0] += 1 }
  }

  /// Polls for as long as something comes, and some more.
  func poll() {
    for _ in 0..<4 { wait(.poll) }
  }

  /// Waits until `operation` is reported.
  ///
  /// With a backend that never does it hangs, which the suite reports.
  func result(of operation: KernelOperation.Reference) -> Int {
    while !isFinished(operation) { wait() }
    return operation.pointer.pointee.result
  }

  func isFinished(_ operation: KernelOperation.Reference) -> Bool {
    finished[operation] != nil
  }

  /// How often `operation` was reported.
  func reports(of operation: KernelOperation.Reference) -> Int {
    finished[operation] ?? 0
  }

  // MARK: Descriptors

  /// A pair of connected Unix sockets.
  func socketPair(_ kind: Socket.Kind = .stream) -> (CInt, CInt) {
    var ends: [CInt] = [-1, -1]
    if socketpair(AF_UNIX, kind.rawValue | CInt(SOCK_CLOEXEC.rawValue), 0, &ends) != 0 {
      Issue.record("socketpair failed with errno \(errno)")
    }
    descriptors += ends
    return (ends[0], ends[1])
  }

  /// Sends bytes by an ordinary system call.
  func send(_ text: String, to descriptor: CInt) {
    if Glibc.send(descriptor, text, text.utf8.count, CInt(MSG_NOSIGNAL)) < 0 {
      Issue.record("send failed with errno \(errno)")
    }
  }

  /// What can be received at once, by an ordinary system call.
  func receiveNow(_ descriptor: CInt) -> String? {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = recv(descriptor, &bytes, bytes.count, CInt(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// Closes the descriptor through the backend.
  func close(_ descriptor: CInt) -> Int {
    descriptors.removeAll { $0 == descriptor }
    return perform(.close(descriptor))
  }

  func tearDown() {
    for descriptor in descriptors { _ = close(descriptor) }
    backend.close()
    for operation in operations { operation.pointer.deallocate() }
    SeamBuffer.freeAll()
  }
}

/// Memory for a receive, at a stable address until the seam is torn down.
///
/// It is not the object's to free: the optimiser ends an object's life after its last use, and the
/// kernel may write later.
struct SeamBuffer {
  let bytes: UnsafeMutableRawBufferPointer
  // Safe: the suite is serialized, and every case has a seam of its own.
  nonisolated(unsafe) private static var allocated: [UnsafeMutableRawBufferPointer] = []

  init(_ count: Int = 16) {
    bytes = .allocate(byteCount: count, alignment: 1)
    // Some send it.
    _ = bytes.initializeMemory(as: UInt8.self, repeating: 0)
    Self.allocated.append(bytes)
  }

  static func freeAll() {
    for bytes in allocated { bytes.deallocate() }
    allocated = []
  }

  func text(_ count: Int) -> String {
    count < 0 ? "error \(-count)" : String(decoding: bytes[..<count], as: UTF8.self)
  }
}

extension BackendUnderTest {
  /// Runs a case on a backend of its own, beside the loop's, whose watchdog it needs.
  func runSeam(_ body: (Seam) throws -> Void) throws {
    try run {
      let seam = try Seam(self)
      defer { seam.tearDown() }
      try body(seam)
    }
  }
}
