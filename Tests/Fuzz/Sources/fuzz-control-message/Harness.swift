@testable import CoroutineAPI

/// Any bytes as the kernel's control messages: they are read without a trap, asked everything, and
/// read as the same when they are written back.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let stored = UnsafeRawBufferPointer(start: bytes, count: count)
  var messages: [Socket.ControlMessage] = []
  Socket.ControlMessage.forEach(in: stored) { messages.append($0) }
  for message in messages {
    _ = (message.credentials, message.packetInformation, message.hopLimit, message.typeOfService)
    _ = message.timestamp
    _ = (message.isProcessDescriptor, message.isDescriptors ? message.descriptorNumbers : [])
  }
  let size = Socket.ControlMessage.space(for: messages)
  guard size <= count + 7 else { fatalError("\(messages.count) messages take \(size) bytes") }
  let again = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
  defer { again.deallocate() }
  Socket.ControlMessage.write(messages, to: again)
  var copies: [Socket.ControlMessage] = []
  Socket.ControlMessage.forEach(in: UnsafeRawBufferPointer(again)) { copies.append($0) }
  guard copies == messages else { fatalError("\(messages) read as \(copies)") }
  return 0
}
