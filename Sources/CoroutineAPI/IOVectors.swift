import CLinux

/// The buffers of one call, as the kernel takes them, and how far they are done.
///
/// It owns the list, not the buffers.
struct IOVectors {
  private let all: UnsafeMutableBufferPointer<iovec>
  /// The first that is not done.
  private var first = 0
  /// How many bytes are in what is not done.
  private(set) var byteCount = 0

  /// How many buffers one call takes (IOV_MAX, UIO_MAXIOV).
  static let countMax = 1024

  init(_ buffers: [UnsafeRawBufferPointer]) {
    all = .allocate(capacity: buffers.count)
    for (index, buffer) in buffers.enumerated() {
      let part = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
      all.initializeElement(at: index, to: part)
      byteCount += buffer.count
    }
  }

  init(_ buffers: [UnsafeMutableRawBufferPointer]) {
    self.init(buffers.map { UnsafeRawBufferPointer($0) })
  }

  func deallocate() {
    all.deallocate()
  }

  /// How many buffers are not done.
  var count: Int { all.count - first }

  /// A message of what is not done, without a name and control data: as much as one call takes.
  var message: msghdr {
    var message = msghdr()
    message.msg_iov = all.baseAddress.map { $0 + first }
    message.msg_iovlen = min(count, Self.countMax)
    return message
  }

  /// Marks the next `count` bytes as done.
  mutating func advance(by count: Int) {
    byteCount -= count
    var rest = count
    while first < all.count, rest >= all[first].iov_len {
      rest -= all[first].iov_len
      first += 1
    }
    guard rest > 0 else { return }
    all[first].iov_base += rest
    all[first].iov_len -= rest
  }
}
