/// A queue of operations, linked through the operations themselves: no allocation, ever.
public struct OperationList {
  /// The first operation, or nil.
  public private(set) var first: KernelOperation.Reference?
  private var last: KernelOperation.Reference?

  /// An empty list.
  public init() {}

  /// A list of one operation, which was in no other.
  @inline(__always)
  public init(_ operation: KernelOperation.Reference) {
    operation.pointer.pointee.next = nil
    operation.pointer.pointee.previous = nil
    first = operation
    last = operation
  }

  /// Whether nothing is in it.
  public var isEmpty: Bool { first == nil }

  /// Adds `operation`, which is in no other list, at the end.
  public mutating func append(_ operation: KernelOperation.Reference) {
    operation.pointer.pointee.next = nil
    operation.pointer.pointee.previous = last
    if let last {
      last.pointer.pointee.next = operation
    } else {
      first = operation
    }
    last = operation
  }

  /// Takes the first operation out.
  public mutating func popFirst() -> KernelOperation.Reference? {
    guard let operation = first else { return nil }
    let next = operation.pointer.pointee.next
    first = next
    if let next { next.pointer.pointee.previous = nil } else { last = nil }
    operation.pointer.pointee.next = nil
    return operation
  }

  /// Takes `operation`, which is in this list, out of it.
  public mutating func remove(_ operation: KernelOperation.Reference) {
    let next = operation.pointer.pointee.next
    let previous = operation.pointer.pointee.previous
    if let previous { previous.pointer.pointee.next = next } else { first = next }
    if let next { next.pointer.pointee.previous = previous } else { last = previous }
    operation.pointer.pointee.next = nil
    operation.pointer.pointee.previous = nil
  }

  /// Moves everything of `other` to the end of this list.
  public mutating func append(contentsOf other: inout OperationList) {
    guard let first = other.first else { return }
    first.pointer.pointee.previous = last
    if let last { last.pointer.pointee.next = first } else { self.first = first }
    last = other.last
    other = OperationList()
  }
}
