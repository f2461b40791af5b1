import CLinux
import CoroutineAPI
import Glibc
import Testing

@testable import BackendEpoll

/// The table of the epoll backend, with events made up by hand.
@Suite struct WaiterTableTests {
  /// A table over an epoll descriptor of its own, and a pair of connected sockets.
  private struct Fixture: ~Copyable {
    let epoll = epoll_create1(0)
    let table: WaiterTable
    var ends: (CInt, CInt) = (-1, -1)

    /// - Parameter isApart: The first end has a number that nothing else gets while it is closed.
    init(isApart: Bool = false) {
      table = WaiterTable(epoll: epoll)
      _ = withUnsafeMutableBytes(of: &ends) {
        socketpair(
          AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, $0.assumingMemoryBound(to: CInt.self).baseAddress)
      }
      if isApart {
        let number = fcntl(ends.0, F_DUPFD, 900)
        close(ends.0)
        ends.0 = number
      }
    }

    deinit {
      table.deallocate()
      for descriptor in [epoll, ends.0, ends.1] { close(descriptor) }
    }

    func tag(generation: UInt64) -> UInt64 { generation << 32 | UInt64(ends.0) }
  }

  @Test func `an event of an earlier generation is dropped`() {
    let fixture = Fixture()
    var buffer = [UInt8](repeating: 0, count: 8)
    buffer.withUnsafeMutableBytes { bytes in
      var operation = KernelOperation(.receive(fixture.ends.0, bytes, flags: 0))
      withUnsafeMutablePointer(to: &operation) { pointer in
        let reference = KernelOperation.Reference(pointer)
        fixture.table.forget(fixture.ends.0)
        #expect(!fixture.table.start(reference))
        fixture.table.cancel(reference)
        #expect(fixture.table.early.pointee.popFirst() == reference)
        // As after close and reuse: whoever has the number now waits anew.
        fixture.table.forget(fixture.ends.0)
        #expect(!fixture.table.start(reference))
        #expect(write(fixture.ends.1, "x", 1) == 1)

        var completed = OperationList()
        fixture.table.edge(
          fixture.tag(generation: 0), events: EPOLLIN.rawValue, completed: &completed)
        #expect(completed.isEmpty, "an event of the number's former owner woke the new one")

        fixture.table.edge(
          fixture.tag(generation: 1), events: EPOLLIN.rawValue, completed: &completed)
        #expect(completed.popFirst() == reference)
        #expect(pointer.pointee.result == 1)
      }
    }
  }

  @Test func `a direction that is known to be blocked is not attempted`() {
    let fixture = Fixture()
    var buffer = [UInt8](repeating: 0, count: 8)
    buffer.withUnsafeMutableBytes { bytes in
      // A short read has emptied a TCP socket.
      var first = KernelOperation(.receive(fixture.ends.0, bytes, flags: 0), traits: .tcp)
      withUnsafeMutablePointer(to: &first) { pointer in
        let reference = KernelOperation.Reference(pointer)
        #expect(!fixture.table.start(reference))
        #expect(write(fixture.ends.1, "x", 1) == 1)
        var completed = OperationList()
        fixture.table.edge(
          fixture.tag(generation: 0), events: EPOLLIN.rawValue, completed: &completed)
        #expect(completed.popFirst() == reference)
        // The edge for this byte has not been seen yet: an attempt would find it.
        #expect(write(fixture.ends.1, "x", 1) == 1)
        #expect(!fixture.table.start(reference))
        fixture.table.cancel(reference)
        #expect(fixture.table.early.pointee.popFirst() == reference)
        // Who gave up leaves the direction free.
        #expect(fixture.table.start(reference))
        #expect(pointer.pointee.result == 1)
      }
    }
  }

  @Test func `what looking has taken away is told all the same`() {
    let fixture = Fixture()
    var operation = KernelOperation(.poll(fixture.ends.0, events: Int16(POLLPRI)))
    withUnsafeMutablePointer(to: &operation) { pointer in
      let reference = KernelOperation.Reference(pointer)
      #expect(!fixture.table.startPolling(reference))
      var completed = OperationList()
      fixture.table.edge(
        fixture.tag(generation: 0), events: EPOLLIN.rawValue, completed: &completed)
      #expect(completed.isEmpty)
      // As of a file in /proc, of which poll(2) knows nothing any more.
      fixture.table.edge(
        fixture.tag(generation: 0), events: EPOLLIN.rawValue | EPOLLPRI.rawValue,
        completed: &completed)
      #expect(completed.popFirst() == reference)
      #expect(pointer.pointee.result == Int(POLLPRI))
    }
  }

  /// What tells the table that somebody closed the number.
  enum Discovery: CaseIterable {
    case reader, poller, cancellation
  }

  @Test(.serialized, arguments: Discovery.allCases)
  func `an attempt that finds the number closed tells everyone who waits on it`(by: Discovery) {
    let fixture = Fixture(isApart: true)
    let duplicate = dup(fixture.ends.0)
    defer { close(duplicate) }
    var buffer = [UInt8](repeating: 0, count: 8)
    while send(fixture.ends.0, &buffer, buffer.count, CInt(MSG_DONTWAIT)) > 0 {}
    buffer.withUnsafeMutableBytes { bytes in
      let receive = KernelOperation.Kind.receive(fixture.ends.0, bytes, flags: 0)
      let send = KernelOperation.Kind.send(fixture.ends.0, UnsafeRawBufferPointer(bytes), flags: 0)
      let poll = KernelOperation.Kind.poll(fixture.ends.0, events: Int16(POLLIN))
      let kinds = by == .poller ? [poll, poll, receive, send] : [receive, receive, send, poll]
      let operations = UnsafeMutableBufferPointer<KernelOperation>.allocate(capacity: kinds.count)
      defer { operations.deallocate() }
      for (index, kind) in kinds.enumerated() {
        operations.initializeElement(at: index, to: KernelOperation(kind))
        let reference = KernelOperation.Reference(operations.baseAddress! + index)
        let isPolling = kind.direction == nil
        #expect(
          !(isPolling ? fixture.table.startPolling(reference) : fixture.table.start(reference)))
      }
      close(fixture.ends.0)
      var completed = OperationList()
      if by == .cancellation {
        fixture.table.cancel(KernelOperation.Reference(operations.baseAddress!))
      } else {
        let events = by == .poller ? EPOLLPRI : EPOLLIN
        fixture.table.edge(
          fixture.tag(generation: 0), events: events.rawValue, completed: &completed)
        #expect(!completed.isEmpty)
      }
      completed.append(contentsOf: &fixture.table.early.pointee)
      var count = 0
      while let reference = completed.popFirst() {
        count += 1
        let isCancelled = by == .cancellation && count == 1
        #expect(reference.pointer.pointee.result == -Int(isCancelled ? ECANCELED : EBADF))
      }
      #expect(count == kinds.count)
    }
  }
}
