import CLinux
import Glibc

/// An epoll instance whose descriptors are known by numbers that their owner chooses.
///
/// Edge-triggered: the kernel then looks at a descriptor once for what arrives there, and not again
/// when the next events are asked for. Writability is asked for only by who found no room: a Unix
/// socket would tell of it whenever its peer has received something.
struct EventPoll {
  private static let capacity = 512

  private let epoll: CInt
  private let events: UnsafeMutablePointer<epoll_event>

  init() throws {
    epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw BenchError(failureOf: "epoll_create1") }
    events = .allocate(capacity: Self.capacity)
  }

  func deallocate() { events.deallocate() }

  func add(_ descriptor: CInt, as number: Int, awaitsRoom: Bool = false) throws {
    guard coro_epoll_add(epoll, descriptor, Self.interest(awaitsRoom), UInt64(number)) == 0 else {
      throw BenchError(failureOf: "epoll_ctl")
    }
  }

  /// Tells of room for more to send from now on, or not any more.
  func setAwaitsRoom(_ awaitsRoom: Bool, _ descriptor: CInt, as number: Int) throws {
    guard coro_epoll_modify(epoll, descriptor, Self.interest(awaitsRoom), UInt64(number)) == 0
    else { throw BenchError(failureOf: "epoll_ctl") }
  }

  private static func interest(_ awaitsRoom: Bool) -> UInt32 {
    EPOLLIN.rawValue | EPOLLET.rawValue | (awaitsRoom ? EPOLLOUT.rawValue : 0)
  }

  /// - Returns: How many events there are; 0 if the time is up or a signal came.
  func wait(milliseconds: CInt) throws -> Int {
    let count = epoll_wait(epoll, events, CInt(Self.capacity), milliseconds)
    guard count >= 0 || errno == EINTR else { throw BenchError(failureOf: "epoll_wait") }
    return max(0, Int(count))
  }

  struct Event {
    /// Whose it is.
    let number: Int
    let hasRoom: Bool
    /// Bytes, the end of file, or an error.
    let isReadable: Bool
  }

  /// An event of the last wait.
  subscript(index: Int) -> Event {
    let event = events + index
    let room = EPOLLOUT.rawValue
    return Event(
      number: Int(coro_epoll_data(event)), hasRoom: event.pointee.events & room != 0,
      isReadable: event.pointee.events & ~room != 0)
  }
}
