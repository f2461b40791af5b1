import CContext
import CLinux
import Glibc

/// A thread that notices when a coroutine of one loop holds its thread for too long.
///
/// The loop says who runs at each switch, and when nobody does; the thread sleeps until that has
/// stood for longer than the limit. While the loop waits it sleeps without a limit.
final class Watchdog: @unchecked Sendable {
  // Unchecked: everything that changes is `state`, and is touched under `lock` alone.

  private struct State {
    /// Who runs; nil: the loop waits.
    var holder: CoroutineHold?
    /// Since when.
    var since = Instant(nanoseconds: 0)
    var isReported = false
    var isStopped = false
  }

  private let limit: Duration
  private let report: @Sendable (CoroutineHold) -> Void
  private let state: UnsafeMutablePointer<State>
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var thread = pthread_t()

  /// Starts the thread.
  ///
  /// - Throws: `system` (EAGAIN) if there can be no thread.
  init(
    limit: Duration, _ report: @escaping @Sendable (CoroutineHold) -> Void
  ) throws(CoroutineError) {
    self.limit = limit
    self.report = report
    state = .allocate(capacity: 1)
    state.initialize(to: State())
    lock = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    changed = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    let reason = startThread()
    guard reason == 0 else {
      throw CoroutineError(Outcome(-Int(reason)), call: "startWatchdog", operands: "(thread)")
    }
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    state.deinitialize(count: 1).deallocate()
    lock.deallocate()
    changed.deallocate()
  }

  private func startThread() -> CInt {
    // No signal's handler shall run there: a program may count on its own threads' masks.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return pthread_create(
      &thread, nil,
      { argument in
        // Alive until `stop()` has joined this thread.
        guard let argument else { return nil }
        Unmanaged<Watchdog>.fromOpaque(argument)._withUnsafeGuaranteedRef { $0.watch() }
        return nil
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  // MARK: The loop's side

  /// Says who runs from now on; nil: nobody.
  func note(_ holder: CoroutineHold?) {
    pthread_mutex_lock(lock)
    let wasIdle = state.pointee.holder == nil
    state.pointee.holder = holder
    state.pointee.since = .kernelNow
    state.pointee.isReported = false
    pthread_mutex_unlock(lock)
    if wasIdle, holder != nil { pthread_cond_signal(changed) }
  }

  /// Ends the thread and waits for it.
  func stop() {
    pthread_mutex_lock(lock)
    state.pointee.isStopped = true
    pthread_mutex_unlock(lock)
    pthread_cond_signal(changed)
    pthread_join(thread, nil)
  }

  // MARK: The thread

  private func watch() {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while !state.pointee.isStopped {
      guard var hold = state.pointee.holder, !state.pointee.isReported else {
        // Reported, or idle. Another coroutine may run after a reported one without a signal, so
        // come back and look.
        if state.pointee.holder == nil {
          pthread_cond_wait(changed, lock)
        } else {
          wait(until: .kernelNow + limit)
        }
        continue
      }
      hold.duration = Instant.kernelNow - state.pointee.since
      guard hold.duration >= limit else {
        wait(until: state.pointee.since + limit)
        continue
      }
      state.pointee.isReported = true
      pthread_mutex_unlock(lock)
      report(hold)
      pthread_mutex_lock(lock)
    }
  }

  private func wait(until deadline: Instant) {
    var time = timespec()
    time.tv_sec = Int(deadline.nanoseconds / 1_000_000_000)
    time.tv_nsec = Int(deadline.nanoseconds % 1_000_000_000)
    pthread_cond_timedwait(changed, lock, &time)
  }
}

extension Scheduler {
  /// Tells the watchdog, if there is one, who runs from now on; nil: the loop waits.
  @inline(never)
  func tellWatchdog(of record: CoroutineRecord.Reference?) {
    guard let watchdog = core.pointee.watchdog else { return }
    let hold = record.map { record in
      record.pointee.object._withUnsafeGuaranteedRef { CoroutineHold(of: $0) }
    }
    watchdog._withUnsafeGuaranteedRef { $0.note(hold) }
  }

  /// Puts a watchdog in the place of the one that there is.
  func setWatchdog(_ watchdog: Watchdog?) {
    if let old = core.pointee.watchdog {
      old._withUnsafeGuaranteedRef { $0.stop() }
      old.release()
    }
    core.pointee.watchdog = watchdog.map { .passRetained($0) }
    settleWhetherChecked()
    tellWatchdog(of: core.running)
  }
}
