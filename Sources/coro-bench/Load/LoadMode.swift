import ArgumentParser

/// What a load does with each of its connections.
enum LoadMode: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// A message after the other: the next one is sent when the last one has come back.
  case echo
  /// As `echo`, with several messages on their way at any time.
  case stream
  /// A connection for each message.
  case exchange
  /// As `echo`, with datagrams.
  case datagram
}
