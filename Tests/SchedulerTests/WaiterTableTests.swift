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
        #expect(!fixture.table.begin(reference))
        fixture.table.cancel(reference)
        #expect(fixture.table.early.pointee.popFirst() == reference)
        // As after close and reuse: whoever has the number now waits anew.
        fixture.table.forget(fixture.ends.0)
        #expect(!fixture.table.begin(reference))
        #expect(write(fixture.ends.1, "x", 1) == 1)

        var completed = Completions()
        fixture.table.edge(
          fixture.tag(generation: 1), events: EPOLLIN.rawValue, completed: &completed)
        #expect(completed.isEmpty, "an event of the number's former owner woke the new one")

        fixture.table.edge(
          fixture.tag(generation: 2), events: EPOLLIN.rawValue, completed: &completed)
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
        #expect(!fixture.table.begin(reference))
        #expect(write(fixture.ends.1, "x", 1) == 1)
        var completed = Completions()
        fixture.table.edge(
          fixture.tag(generation: 0), events: EPOLLIN.rawValue, completed: &completed)
        #expect(completed.popFirst() == reference)
        // The edge for this byte has not been seen yet: an attempt would find it.
        #expect(write(fixture.ends.1, "x", 1) == 1)
        #expect(!fixture.table.begin(reference))
        fixture.table.cancel(reference)
        #expect(fixture.table.early.pointee.popFirst() == reference)
        // Who gave up leaves the direction free.
        #expect(fixture.table.begin(reference))
        #expect(pointer.pointee.result == 1)
      }
    }
  }

  @Test func `what was tried in vain waits without asking again`() {
    let fixture = Fixture()
    let bytes = [UInt8](repeating: 0, count: 4096)
    bytes.withUnsafeBytes { bytes in
      func sendNow() -> Int {
        send(fixture.ends.0, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT))
      }
      while sendNow() > 0 {}
      // Room that is made before the operation starts makes an edge for it.
      var buffer = [UInt8](repeating: 0, count: 1 << 20)
      while recv(fixture.ends.1, &buffer, buffer.count, CInt(MSG_DONTWAIT)) > 0 {}
      var operation = KernelOperation(.send(fixture.ends.0, bytes, flags: 0), hints: .wasTried)
      withUnsafeMutablePointer(to: &operation) { pointer in
        let reference = KernelOperation.Reference(pointer)
        #expect(!fixture.table.begin(reference))
        var completed = Completions()
        fixture.table.edge(
          fixture.tag(generation: 0), events: EPOLLOUT.rawValue, completed: &completed)
        #expect(completed.popFirst() == reference)
        #expect(pointer.pointee.result == bytes.count)
      }
    }
  }

  @Test(arguments: [KernelOperation.Traits(), .tcp])
  func `what an edge has left is received at once`(_ traits: KernelOperation.Traits) {
    let fixture = Fixture()
    var buffer = [UInt8](repeating: 0, count: 8)
    buffer.withUnsafeMutableBytes { bytes in
      var operation = KernelOperation(.receive(fixture.ends.0, bytes, flags: 0), traits: traits)
      withUnsafeMutablePointer(to: &operation) { pointer in
        let reference = KernelOperation.Reference(pointer)
        #expect(!fixture.table.begin(reference))
        #expect(write(fixture.ends.1, "more than 8", 11) == 11)
        var completed = Completions()
        fixture.table.edge(
          fixture.tag(generation: 0), events: EPOLLIN.rawValue, completed: &completed)
        #expect(completed.popFirst() == reference && pointer.pointee.result == 8)
        #expect(fixture.table.begin(reference) && pointer.pointee.result == 3)
      }
    }
  }

  @Test func `who reads what the loop writes is put in line unasked, till others write`() throws {
    let fixture = Fixture()
    var ends: [CInt] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    var buffer = [UInt8](repeating: 0, count: 8)
    try buffer.withUnsafeMutableBytes { bytes in
      var read = KernelOperation(.read(ends[0], bytes), peer: ends[1])
      let one = UnsafeRawBufferPointer(rebasing: bytes[..<1])
      var write = KernelOperation(.write(ends[1], one), peer: ends[0])
      try withUnsafeMutablePointer(to: &read) { read in
        try withUnsafeMutablePointer(to: &write) { write in
          let reader = KernelOperation.Reference(read)
          let writer = KernelOperation.Reference(write)
          let table = fixture.table
          for _ in 0..<2 {
            #expect(!table.begin(reader))
            #expect(table.begin(writer))
            #expect(table.early.pointee.popFirst() == reader && read.pointee.result == 1)
          }
          // What was written is there: no need to wait.
          #expect(table.begin(writer) && table.begin(reader) && read.pointee.result == 1)

          try #require(Glibc.write(ends[1], "ab", 2) == 2)
          #expect(!table.begin(reader))
          var completed = Completions()
          table.attemptPostponed(&completed, staysInLine: false)
          #expect(completed.popFirst() == reader && read.pointee.result == 2)
          try #require(Glibc.write(ends[1], "c", 1) == 1)
          #expect(table.begin(reader) && read.pointee.result == 1)
        }
      }
    }
  }

  @Test func `what looking has taken away is told all the same`() {
    let fixture = Fixture()
    var operation = KernelOperation(.poll(fixture.ends.0, events: Int16(POLLPRI)))
    withUnsafeMutablePointer(to: &operation) { pointer in
      let reference = KernelOperation.Reference(pointer)
      #expect(!fixture.table.startPolling(reference))
      var completed = Completions()
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
          !(isPolling ? fixture.table.startPolling(reference) : fixture.table.begin(reference)))
      }
      close(fixture.ends.0)
      var completed = Completions()
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

extension WaiterTable {
  /// The ways of the backend, in its order.
  fileprivate func begin(_ operation: KernelOperation.Reference) -> Bool {
    if waitsAtOnce(operation) { return false }
    if case .receive = operation.pointer.pointee.kind { return startReceiving(operation) }
    return start(operation)
  }

  fileprivate func edge(_ tag: UInt64, events: UInt32, completed: inout Completions) {
    var event = epoll_event()
    event.events = events
    event.data.u64 = tag
    if !edgeOfReceiver(&event, &completed) { edgeOfAnyone(&event, &completed) }
  }
}
