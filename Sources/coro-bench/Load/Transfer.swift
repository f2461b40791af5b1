import CLinux
import Glibc

/// Sends the beginning of `bytes`, without waiting.
///
/// - Returns: How many of the `count` bytes the socket took; 0 if it has no room.
func sendSome(
  _ descriptor: CInt, _ bytes: UnsafeMutableRawBufferPointer, _ count: Int
) throws -> Int {
  if count == 0 { return 0 }
  let sent = send(descriptor, bytes.baseAddress, count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
  if sent < 0, errno == EAGAIN { return 0 }
  guard sent >= 0 else { throw BenchError(failureOf: "send") }
  return sent
}

/// Receives what is there, without waiting.
///
/// - Returns: How many bytes came, `count` at most; 0 if none is there.
/// - Throws: Also at the end of file.
func receiveSome(
  _ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer, _ count: Int
) throws -> Int {
  let received = recv(descriptor, buffer.baseAddress, count, CInt(MSG_DONTWAIT))
  if received < 0, errno == EAGAIN { return 0 }
  guard received >= 0 else { throw BenchError(failureOf: "recv") }
  guard received > 0 else { throw BenchError("The server has closed a connection too early.") }
  return received
}

extension BenchError {
  /// A system call of the load generator's has failed with `errno`.
  init(failureOf call: String) {
    self.init("The load generator's \(call) failed: \(String(cString: strerror(errno))).")
  }
}
