import CContext
import Glibc

/// The loop's coroutines in words, for people: in a dump, and in the report of a deadlock.
extension Scheduler {
  /// A line for each coroutine that waits.
  var waiters: String {
    let labels = labels
    return living.reversed().filter { $0.wait != .nothing && $0.wait != .end }
      .map { "\n  \(describe($0, labels))" }.joined()
  }

  /// A heading, and a line for each coroutine, in order of their start.
  var dump: String {
    let backend = core.pointee.backend == nil ? "no backend yet" : withBackend { $0.name }
    let heading =
      "\(core.pointee.aliveCount) coroutines in the loop of thread \(coro_thread_id()) of process "
      + "\(getpid()), on \(backend):"
    let labels = labels
    let lines = everyone.reversed().map { "\n  \(describe($0, labels))" }.joined()
    return heading + lines + "\n"
  }

  /// Name, ident, state, what it waits for and since when, and who started it.
  private func describe(
    _ record: CoroutineRecord.Reference, _ labels: [UInt64: String]
  ) -> String {
    var line = label(record)
    if record.pointee.isDaemon { line += ", a daemon," }
    if record.pointee.isEnded, record != core.pointee.main { line += ", which has ended," }
    line += " \(state(of: record))"
    if record.wait != .nothing {
      let now = now
      line += ", for \(record.since.duration(to: now).forPeople)"
      if let deadline = core.pointee.timers.deadline(of: record) {
        line += deadline == .distantFuture ? "" : ", \(now.duration(to: deadline).forPeople) left"
      }
    }
    if record.cancellation != .none { line += "; cancelled" }
    let starter = record.pointee.object._withUnsafeGuaranteedRef { $0.starter }
    if starter != 0 {
      line += "; started by \(labels[starter] ?? "ident \(starter), which has ended")"
    }
    return line
  }

  func state(of record: CoroutineRecord.Reference) -> String {
    switch record.wait {
    case .join:
      "waits for the end of \(record.pointee.joinTarget.map(label) ?? "another")"
    case .operation:
      "waits to \(record.operation?.pointer.pointee.kind.purpose ?? "be served")"
    case .sleep: "sleeps"
    case .close: "closes a descriptor"
    case .end: "waits for the end of the others"
    case .nothing: record == core.running ? "runs" : "can run"
    }
  }

  func label(_ record: CoroutineRecord.Reference) -> String {
    record.pointee.object._withUnsafeGuaranteedRef { "\($0.name) (ident \($0.number))" }
  }

  /// Everyone's label by ident.
  private var labels: [UInt64: String] {
    everyone.reduce(into: [:]) { labels, record in
      labels[record.pointee.object._withUnsafeGuaranteedRef { $0.number }] = label(record)
    }
  }

  /// Writes all of `text`, blocking the thread; errors are ignored, since nobody could be told.
  static func write(_ text: String, to descriptor: CInt) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count > 0 {
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        } else if errno != EINTR {
          return
        }
      }
    }
  }
}

extension KernelOperation.Kind {
  /// What whoever waits for it wants to do.
  fileprivate var purpose: String {
    switch self {
    case .receive: "receive from descriptor \(descriptor)"
    case .send: "send to descriptor \(descriptor)"
    case .receiveMessage: "receive a message from descriptor \(descriptor)"
    case .sendMessage: "send a message to descriptor \(descriptor)"
    case .read: "read from descriptor \(descriptor)"
    case .write: "write to descriptor \(descriptor)"
    case .accept: "accept on descriptor \(descriptor)"
    case .connect: "connect descriptor \(descriptor)"
    case .poll: "find descriptor \(descriptor) ready"
    case .close: "close descriptor \(descriptor)"
    case .forget: "give up descriptor \(descriptor)"
    case .introduce: "begin to use descriptor \(descriptor)"
    case .call: "make a system call"
    }
  }
}

extension Duration {
  /// As people say it: "12 ms", "3.4 s".
  var forPeople: String {
    let milliseconds = max(0, saturatedNanoseconds) / 1_000_000
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
  }
}
