import NIOCore

/// Runs tasks on the thread of an event loop.
///
/// Otherwise they run in the pool that all tasks share, and each message goes from one thread to
/// another and back: no server has to do that, and `--threads 1` means one thread.
final class LoopExecutor: TaskExecutor {
  private let loop: any EventLoop

  init(_ loop: any EventLoop) {
    self.loop = loop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
