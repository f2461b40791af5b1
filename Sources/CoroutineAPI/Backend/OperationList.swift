/// A queue of operations, linked through the operations themselves: no allocation, ever.
public struct OperationList {
  /// The first operation, or nil.
  public private(set) var first: KernelOperation.Reference?
  private var last: KernelOperation.Reference?

  /// An empty list.
  public init() {}

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
    remove(operation)
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
    while let operation = other.popFirst() { append(operation) }
  }
}
