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

    init() {
      table = WaiterTable(epoll: epoll)
      _ = withUnsafeMutableBytes(of: &ends) {
        socketpair(
          AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, $0.assumingMemoryBound(to: CInt.self).baseAddress)
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
}
