/// One way of loading a server: it keeps everything that it has on its way.
///
/// The generic parameter of `LoadGenerator`, so that nothing is called through a table.
protocol Load {
  var events: EventPoll { get }

  /// Sends the first messages.
  mutating func begin(_ meter: inout LoadMeter) throws

  /// Goes on with a connection of which `events` has told, until the kernel has to be waited for.
  mutating func advance(_ event: EventPoll.Event, _ meter: inout LoadMeter) throws

  /// Whether every connection has been answered: one that the server has yet to accept would be
  /// measured as one that is slow.
  var isWarm: Bool { get }

  /// After how much time without events `makeGood` is called.
  static var patienceInMilliseconds: CInt { get }

  /// Gives its memory back; its connections end with the process.
  func deallocate()

  /// Does again what was in vain; called often.
  mutating func makeGood(_ meter: inout LoadMeter) throws
}

extension Load {
  var isWarm: Bool { true }
  static var patienceInMilliseconds: CInt { 1000 }
  mutating func makeGood(_ meter: inout LoadMeter) {}
}
