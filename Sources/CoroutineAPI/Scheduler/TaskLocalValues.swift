import CContext

/// Copies of the task-local values that a coroutine inherits from the code that starts it.
///
/// The values of a `withValue` scope live in a list that dies with the scope, and a coroutine may
/// outlive its starter's scope; so the values are copied, as `Task {}` does.
struct TaskLocalValues {
  private struct Item {
    let key: UnsafeRawPointer
    let type: Any.Type
    let value: UnsafeRawPointer
  }

  private var items: [Item] = []

  var isEmpty: Bool { items.isEmpty }

  /// The values that the running code sees.
  ///
  /// The addresses are good until it changes them.
  static func current(_ words: UnsafeMutablePointer<coro_words>) -> TaskLocalValues {
    let location = words.pointee.location
    let task = location.1?.pointee
    let list = location.3?.pointee
    if task == nil && list == nil { return TaskLocalValues() }
    var head: UInt = 0
    if let task {
      guard let offset = RuntimeLayout.found.valuesInTask else { return TaskLocalValues() }
      head = task.load(fromByteOffset: offset * 8, as: UInt.self)
    } else if let list {
      head = list.load(as: UInt.self)
    }
    return TaskLocalValues(head: head)
  }

  private init() {}

  /// Walks the runtime's list.
  ///
  /// An item is a link whose bits 1 and 2 say what it is, a key, a type, and the value at its
  /// alignment; only the newest binding of a key counts.
  private init(head: UInt) {
    var address = head
    while let item = UnsafeRawPointer(bitPattern: address & ~7) {
      let link = item.load(as: UInt.self)
      switch (link >> 1) & 3 {
      case 0, 1:
        let key = item.load(fromByteOffset: 8, as: UnsafeRawPointer.self)
        let type = unsafeBitCast(
          item.load(fromByteOffset: 16, as: UnsafeRawPointer.self), to: Any.Type.self)
        if !items.contains(where: { $0.key == key }) {
          let alignment = Self.alignment(of: type)
          let value = item + ((24 + alignment - 1) & ~(alignment - 1))
          items.append(Item(key: key, type: type, value: value))
        }
      case 2:
        break  // A marker that leads on to the parent task's items.
      default:
        return  // A marker that ends the look-up.
      }
      address = link
    }
  }

  private static func alignment(of type: Any.Type) -> Int {
    func open<Value>(_ type: Value.Type) -> Int { MemoryLayout<Value>.alignment }
    return _openExistential(type, do: open)
  }

  /// Binds copies of the values in the list that `word` points at.
  ///
  /// - Returns: How many were bound; as many calls of `swift_task_localValuePop` end them.
  func push(into words: UnsafeMutablePointer<coro_words>, word: inout UnsafeMutableRawPointer?)
    -> Int32
  {
    guard !items.isEmpty, coro_has_task_local_calls() else { return 0 }
    // The runtime pushes onto the running code's list: make that the coroutine's for a moment.
    let location = words.pointee.location
    let saved = (location.1?.pointee, location.3?.pointee)
    location.1?.pointee = nil
    location.3?.pointee = nil
    for item in items.reversed() { Self.push(item) }
    word = location.3?.pointee
    location.1?.pointee = saved.0
    location.3?.pointee = saved.1
    return Int32(items.count)
  }

  private static func push(_ item: Item) {
    func open<Value>(_ type: Value.Type) {
      let copy = UnsafeMutablePointer<Value>.allocate(capacity: 1)
      copy.initialize(to: item.value.assumingMemoryBound(to: Value.self).pointee)
      // Takes the value out of `copy`.
      swift_task_localValuePush(
        item.key, copy, unsafeBitCast(type as Any.Type, to: UnsafeRawPointer.self))
      copy.deallocate()
    }
    _openExistential(item.type, do: open)
  }
}
