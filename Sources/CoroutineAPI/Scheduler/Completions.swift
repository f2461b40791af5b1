public import CContext

/// What a backend reports.
///
/// A loop's own takes each operation at once: its coroutine is made ready, and runs when the loop
/// goes on, not before `Backend.wait` or `Backend.reportFinished` has returned.
///
/// One that is made without a loop keeps them in a list, for who stands between a loop and its
/// backend, and for tests.
public struct Completions {
  @usableFromInline let loop: UnsafeMutablePointer<coro_dispatcher>?
  @usableFromInline var hasDelivered = false
  private var list = OperationList()

  /// A list.
  public init() {
    loop = nil
  }

  init(of loop: UnsafeMutablePointer<coro_dispatcher>) {
    self.loop = loop
  }

  /// Whether nothing was reported; of a list, whether nothing is in it.
  public var isEmpty: Bool { !hasDelivered && list.isEmpty }

  /// Reports `operation`, whose result is set, and which is in no list.
  ///
  /// Its memory stays valid until `Backend.wait`, or `reportFinished`, returns.
  @inlinable @inline(__always)
  public mutating func append(_ operation: KernelOperation.Reference) {
    if let loop, coro_deliver(loop, operation.pointer.pointee.waiter, operation.pointer) {
      hasDelivered = true
    } else {
      appendOther(operation)
    }
  }

  /// Reports everything of `other`, in order.
  public mutating func append(contentsOf other: inout OperationList) {
    if loop == nil { return list.append(contentsOf: &other) }
    while let operation = other.popFirst() { append(operation) }
  }

  /// See above; `other` is a list.
  public mutating func append(contentsOf other: inout Completions) {
    append(contentsOf: &other.list)
  }

  /// Takes the first operation out, of a list; nil if there is none.
  public mutating func popFirst() -> KernelOperation.Reference? {
    precondition(
      loop == nil, "What is appended to a loop's Completions is taken by the loop at once.")
    return list.popFirst()
  }

  func areReported(to loop: UnsafeMutablePointer<coro_dispatcher>) -> Bool {
    self.loop == loop
  }

  @usableFromInline @inline(never)
  mutating func appendOther(_ operation: KernelOperation.Reference) {
    guard let loop else { return list.append(operation) }
    hasDelivered = true
    Scheduler(dispatcher: loop).deliver(operation)
  }
}
