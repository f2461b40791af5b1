import CLinux
public import CoroutineAPI
import Glibc

/// Readiness from epoll(7), deadlines from a timerfd, made into completions.
///
/// As a rule an operation is attempted at once; if the kernel is not ready it waits in the table,
/// and is attempted again when epoll reports an edge for its descriptor. See `WaiterTable.swift`
/// for why no edge can be lost.
public final class EpollBackend: Backend {
  private let epoll: CInt
  private let wakeUp: CInt
  private let timer: DeadlineTimer
  private let table: WaiterTable
  private let events: UnsafeMutableBufferPointer<epoll_event>

  private static let eventCount = 256
  /// Tags of the two descriptors that are the backend's own; no descriptor is so large.
  private static let timerTag = UInt64(UInt32.max)
  private static let wakeUpTag = UInt64(UInt32.max - 1)

  /// "epoll".
  public var name: String { "epoll" }

  /// A backend for the calling thread.
  ///
  /// - Throws: `unavailable` if the kernel gives no descriptors.
  public init() throws(CoroutineError) {
    epoll = try Self.descriptor(epoll_create1(CInt(EPOLL_CLOEXEC)), "epoll_create1")
    do throws(CoroutineError) {
      wakeUp = try Self.descriptor(
        eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK)), "eventfd")
    } catch {
      _ = CLinux.close(epoll)
      throw error
    }
    do throws(CoroutineError) {
      timer = try DeadlineTimer()
    } catch {
      _ = CLinux.close(epoll)
      _ = CLinux.close(wakeUp)
      throw error
    }
    table = WaiterTable(epoll: epoll)
    events = .allocate(capacity: Self.eventCount)
    // Edge-triggered, so that neither has to be read: each expiry and each write is an edge.
    let edge = EPOLLIN.rawValue | EPOLLET.rawValue
    guard coro_epoll_add(epoll, wakeUp, edge, Self.wakeUpTag) == 0,
      coro_epoll_add(epoll, timer.descriptor, edge, Self.timerTag) == 0
    else {
      let reason = errno
      close()
      throw CoroutineError(
        .unavailable, errno: .init(rawValue: reason), call: "the epoll backend",
        operands: "(epoll_ctl)", detail: "raise sysctl fs.epoll.max_user_watches")
    }
  }

  private static func descriptor(_ result: CInt, _ call: String) throws(CoroutineError) -> CInt {
    if result >= 0 { return result }
    throw CoroutineError(
      .unavailable, errno: .init(rawValue: errno), call: "the epoll backend", operands: "(\(call))",
      detail: "raise the limit of open descriptors (ulimit -n)")
  }

  deinit {
    events.deallocate()
  }

  // MARK: Backend

  /// CLOCK_MONOTONIC.
  public var now: Instant { .kernelNow }

  /// CLOCK_MONOTONIC_COARSE.
  public var roughNow: Instant { .kernelRoughNow }

  /// Attempts the operation; what must wait is put into the table.
  public func start(_ operation: KernelOperation.Reference) -> Bool {
    table.waitsAtOnce(operation) ? false : startOther(operation)
  }

  /// True.
  public var sendsAtOnce: Bool { true }

  @inline(never)
  private func startOther(_ operation: KernelOperation.Reference) -> Bool {
    switch operation.pointer.pointee.kind {
    case .receive:
      return table.startReceiving(operation)
    case .read(let descriptor, let buffer) where operation.pointer.pointee.peer >= 0:
      return table.startReading(operation, descriptor, buffer)
    case .write(let descriptor, let bytes) where operation.pointer.pointee.peer >= 0:
      return table.startWriting(operation, descriptor, bytes)
    case .receiveMessage, .read, .accept, .send, .sendMessage, .write, .connect:
      return table.start(operation)
    case .poll:
      return table.startPolling(operation)
    case .close(let descriptor):
      table.close(descriptor)
    case .forget(let descriptor):
      table.forget(descriptor)
    case .introduce(let descriptor):
      table.introduce(descriptor)
    case .call:
      break
    }
    operation.pointer.pointee.result = operation.attempt()
    return true
  }

  /// Takes the operation out of the table; nothing in the kernel refers to it.
  public func cancel(_ operation: KernelOperation.Reference) {
    table.cancel(operation)
  }

  /// Appends whom another coroutine's call or cancellation has finished.
  public func reportFinished(_ completed: inout Completions) {
    completed.append(contentsOf: &table.early.pointee)
  }

  /// Waits for edges, and attempts again who waited for them.
  public func wait(_ limit: WaitLimit, completed: inout Completions) {
    completed.append(contentsOf: &table.early.pointee)
    if !table.postponed.isEmpty {
      table.attemptPostponed(
        &completed, staysInLine: limit == .poll ? table.handsOver : !completed.isEmpty)
    }
    var timeout: CInt = completed.isEmpty ? -1 : 0
    switch limit {
    case .poll: timeout = 0
    case .until(let deadline):
      if !timer.arm(deadline), timeout != 0 { timeout = milliseconds(until: deadline) }
    case .forever: break
    }
    if limit != .poll, !table.newcomers.pointee.isEmpty, !table.newcomers.pointee.isCheckSet {
      table.newcomers.pointee.isCheckSet = timer.arm(now + Newcomers.delay)
    }
    // EINTR: the deadline is the timer's and absolute, so waiting again loses nothing. Yet it
    // returns, as after any event: a signal's handler may have been for this loop.
    let count = coro_sys_epoll_wait(epoll, events.baseAddress, CInt(Self.eventCount), timeout)
    if count < 0, count != -Int(EINTR) { Self.fail(CInt(-count)) }
    guard var event = UnsafePointer(events.baseAddress) else { return }
    let end = event + max(0, count)
    while event < end {
      if !table.edgeOfReceiver(event, &completed) { edgeOfAnyone(event, &completed) }
      event += 1
    }
  }

  @inline(never)
  private func edgeOfAnyone(
    _ event: UnsafePointer<epoll_event>, _ completed: inout Completions
  ) {
    switch coro_epoll_data(event) {
    case Self.timerTag:
      timer.hasFired()
      table.checkNewcomers()
    case Self.wakeUpTag: break
    default: table.edgeOfAnyone(event, &completed)
    }
  }

  /// The limit of one `epoll_wait`, rounded up, for when the timer is of no use.
  private func milliseconds(until deadline: Instant) -> CInt {
    CInt(clamping: max(0, deadline.nanoseconds - now.nanoseconds) / 1_000_000 + 1)
  }

  /// A loop that cannot wait would spin for ever, and nobody in it would learn why.
  @inline(never)
  private static func fail(_ reason: CInt) -> Never {
    let name = coro_errno_name(reason).map { String(cString: $0) } ?? "errno \(reason)"
    fatalError("epoll_wait failed with \(name). Was the loop's own descriptor closed?")
  }

  /// Writes to the eventfd.
  public func wake() {
    var one: UInt64 = 1
    // EAGAIN: the counter is full, and the loop has been woken often enough.
    while write(wakeUp, &one, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
  }

  /// Closes the three descriptors.
  public func close() {
    table.deallocate()
    timer.close()
    _ = CLinux.close(wakeUp)
    _ = CLinux.close(epoll)
  }

  /// Closes the child's copies of the three descriptors.
  ///
  /// Registrations belong to the epoll instance, which the parent goes on using: none is deleted.
  public func abandon() {
    timer.close()
    _ = CLinux.close(wakeUp)
    _ = CLinux.close(epoll)
  }
}

extension BackendChoice {
  /// epoll + timerfd: on every Linux, in every container.
  public static let epoll = BackendChoice("epoll") { () throws(CoroutineError) in
    try EpollBackend()
  }
}
