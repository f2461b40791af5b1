@testable import CoroutineAPI
import Testing

/// The queues and lists, against arrays.
@Suite struct Lists {
  @Test func `the run queue is first in, first out`() {
    let records = Records(count: 5)
    defer { records.deallocate() }
    var queue = RunQueue()
    defer { queue.deallocate() }
    #expect(queue.isEmpty && queue.popFirst() == nil)
    let hasRoom = queue.reserve(5)
    #expect(hasRoom)
    for index in 0..<5 { queue.append(records[index]) }
    #expect(!queue.isEmpty)
    let order = Array(sequence(state: ()) { _ in queue.popFirst() })
    #expect(order == (0..<5).map { records[$0] })
    #expect(queue.isEmpty)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `the run queue agrees with an array`(seed: UInt64) {
    var random = SplitMix64(state: seed)
    // More than the queue has room for at first, and enough to look ahead.
    let records = Records(count: 200)
    defer { records.deallocate() }
    var queue = RunQueue()
    defer { queue.deallocate() }
    var reference: [Int] = []
    for round in 0..<10_000 {
      // It grows with what it is to hold, and keeps what it holds.
      let hasRoom = queue.reserve(min(200, round / 20 + 1))
      #expect(hasRoom)
      let index = Int.random(in: 0..<min(200, round / 20 + 1), using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0...1 where !reference.contains(index):
        queue.append(records[index])
        reference.append(index)
      case 2 where !reference.contains(index):
        queue.prepend(records[index])
        reference.insert(index, at: 0)
      default:
        let expected = reference.isEmpty ? nil : records[reference.removeFirst()]
        #expect(queue.popFirst() == expected)
      }
      #expect(queue.isEmpty == reference.isEmpty)
    }
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `anyone can leave a list of waiters`(seed: UInt64) {
    var random = SplitMix64(state: seed)
    let records = Records(count: 20)
    defer { records.deallocate() }
    var list = WaitList()
    var reference: [Int] = []
    for _ in 0..<5_000 {
      let index = Int.random(in: 0..<20, using: &random)
      if let place = reference.firstIndex(of: index) {
        list.remove(records[index])
        reference.remove(at: place)
      } else {
        list.append(records[index])
        reference.append(index)
      }
      #expect(list.first == reference.first.map { records[$0] })
      #expect(list.isEmpty == reference.isEmpty)
    }
    for index in reference {
      #expect(list.first == records[index])
      list.remove(records[index])
    }
    #expect(list.isEmpty)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `so can anything leave a list of operations`(seed: UInt64) {
    var random = SplitMix64(state: seed)
    let operations = Operations(count: 20)
    defer { operations.deallocate() }
    var list = OperationList()
    var reference: [Int] = []
    for _ in 0..<5_000 {
      let index = Int.random(in: 0..<20, using: &random)
      if let place = reference.firstIndex(of: index) {
        if Bool.random(using: &random) {
          list.remove(operations[index])
          reference.remove(at: place)
        } else {
          #expect(list.popFirst() == operations[reference.removeFirst()])
        }
      } else {
        list.append(operations[index])
        reference.append(index)
      }
      #expect(list.first == reference.first.map { operations[$0] })
      #expect(list.isEmpty == reference.isEmpty)
    }
  }

  @Test func `a list of operations takes over another, which is empty then`() {
    let operations = Operations(count: 6)
    defer { operations.deallocate() }
    var (first, second, third) = (OperationList(), OperationList(), OperationList())
    for index in 0..<3 { first.append(operations[index]) }
    for index in 3..<6 { second.append(operations[index]) }
    first.append(contentsOf: &second)
    first.append(contentsOf: &third)
    #expect(second.isEmpty && second.popFirst() == nil)
    let order = Array(sequence(state: ()) { _ in first.popFirst() })
    #expect(order == (0..<6).map { operations[$0] })
    #expect(order.allSatisfy { $0.pointer.pointee.next == nil })
  }

  @Test func `a kind knows its descriptor and its direction`() {
    let empty = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    let kinds: [KernelOperation.Kind] = [
      .receive(7, empty, flags: 0), .send(7, UnsafeRawBufferPointer(empty), flags: 0),
      .read(7, empty), .write(7, UnsafeRawBufferPointer(empty)), .accept(7, nil, nil), .close(7),
      .forget(7), .introduce(7), .poll(7, events: 1),
    ]
    #expect(kinds.map(\.descriptor) == Array(repeating: 7, count: kinds.count))
    #expect(
      kinds.map(\.direction)
        == [.reading, .writing, .reading, .writing, .reading, nil, nil, nil, nil])
    #expect(KernelOperation.Kind.call(.ask(7, .isTerminal)).descriptor == -1)
    #expect(KernelOperation.Kind.call(.ask(7, .isTerminal)).direction == nil)
  }

  /// Operations that nobody starts.
  private struct Operations {
    private let memory: UnsafeMutablePointer<KernelOperation>

    init(count: Int) {
      memory = .allocate(capacity: count)
      memory.initialize(repeating: KernelOperation(.close(-1)), count: count)
    }

    subscript(index: Int) -> KernelOperation.Reference { .init(memory + index) }

    func deallocate() {
      memory.deallocate()
    }
  }
}
