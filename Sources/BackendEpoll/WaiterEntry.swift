import CoroutineAPI

/// What `WaiterTable` knows of one descriptor.
struct WaiterEntry {
  /// Who waits for one direction.
  struct Waiters {
    var operations = OperationList()
    /// The last call found it not ready, and no edge came since.
    var isBlocked = false

    /// Nobody waits, and there is no reason to.
    var isFree: Bool { operations.isEmpty && !isBlocked }
  }

  var reading = Waiters()
  var writing = Waiters()
  /// Those who wait for readiness alone.
  var polling = OperationList()
  var generation: UInt32 = 0
  var isRegistered = false
  /// The peer has hung up or sent urgent data: rule 2's short reads say nothing any more.
  var mayStopShort = false
  /// Of a pipe's end that is read from: how many bytes the loop has written and not read, as far as
  /// it knows; nil if nothing is known.
  ///
  /// See `WaiterTable+Pairs.swift`, for the next ones too.
  var unread: Int?
  /// More was read from it than the loop has written: others write, too.
  var hasStrangers = false
  /// Who reads was put in line unasked.
  var isPostponed = false
  /// Of such a pipe, and of its other end, what tells it from other files; 0: not known.
  var pipe: UInt64 = 0
  /// The number was given to another file while somebody waited: for the former, perhaps.
  var isReplaced = false

  var isInUse: Bool {
    !(reading.operations.isEmpty && writing.operations.isEmpty && polling.isEmpty)
  }
}
