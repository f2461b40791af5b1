@testable import CoroutineAPI

/// Any text: it is an address or an error, and an address prints as text that reads as the same.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  do throws(CoroutineError) {
    let address = try Socket.Address(parsing: text)
    let again = try Socket.Address(parsing: address.description)
    guard again == address else { fatalError("\(address) reads as \(again)") }
    try check(address)
  } catch {
    // Not every error: only that the text is none.
    guard error.code == .invalidArgument, !error.description.isEmpty else { fatalError("\(error)") }
  }
  return 0
}

/// What the kernel is given is what it was.
private func check(_ address: Socket.Address) throws(CoroutineError) {
  let length = try address.withKernelAddress { _, length throws(CoroutineError) in length }
  guard length <= 110, length >= 2 else { fatalError("\(address) has \(length) bytes") }
  _ = (address.host, address.port, address.path, address.abstractName, address.hashValue)
}
