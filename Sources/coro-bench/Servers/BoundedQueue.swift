import Coroutines

/// Elements that one coroutine puts in and another one, of the same loop, takes out.
///
/// The library has no queue. What it has to wait for another coroutine, and not for the kernel, is
/// a sleep without end that `cancel()` ends: the error is thrown once, and who expects it goes on.
final class BoundedQueue<Element> {
  private let capacity: Int
  private var elements: [Element] = []
  /// Where the oldest element is, once `elements` has grown to its capacity.
  private var oldest = 0
  private var count = 0
  private var isClosed = false
  private var waitingForRoom: Coroutine?
  private var waitingForElement: Coroutine?

  init(capacity: Int) {
    self.capacity = capacity
    elements.reserveCapacity(capacity)
  }

  /// Suspends until there is room, and puts an element in.
  ///
  /// - Returns: Whether the queue took it: false once it is closed.
  func put(_ element: Element) throws(CoroutineError) -> Bool {
    while count == capacity, !isClosed { try wait(\.waitingForRoom) }
    if isClosed { return false }
    if elements.count < capacity {
      elements.append(element)
    } else {
      elements[(oldest + count) % capacity] = element
    }
    count += 1
    wake(\.waitingForElement)
    return true
  }

  /// Suspends until there is an element, and takes the oldest one out.
  ///
  /// - Returns: nil if the queue is closed and nothing is left in it.
  func take() throws(CoroutineError) -> Element? {
    while count == 0 {
      if isClosed { return nil }
      try wait(\.waitingForElement)
    }
    let element = elements[oldest]
    oldest = (oldest + 1) % capacity
    count -= 1
    wake(\.waitingForRoom)
    return element
  }

  /// Lets nothing more in.
  func close() {
    isClosed = true
    wake(\.waitingForRoom)
    wake(\.waitingForElement)
  }

  private typealias Place = ReferenceWritableKeyPath<BoundedQueue, Coroutine?>

  private func wait(_ place: Place) throws(CoroutineError) {
    self[keyPath: place] = Coroutine.current
    do throws(CoroutineError) {
      try Coroutine.sleep(.infinity)
    } catch {
      // Whoever wakes takes the name away; otherwise somebody else wants this coroutine to end.
      if self[keyPath: place] == nil { return }
      self[keyPath: place] = nil
      throw error
    }
  }

  private func wake(_ place: Place) {
    guard let coroutine = self[keyPath: place] else { return }
    self[keyPath: place] = nil
    coroutine.cancel()
  }
}
