@testable import CoroutineAPI
import Glibc

/// Any bytes of any length as the kernel's address: it is read without a trap; what is written back
/// reads as the same; and its text does too, but for what no text can say.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard count >= 2, let bytes else { return 0 }
  var storage = sockaddr_storage()
  // The first byte is the length that is claimed, whatever follows.
  let length = socklen_t(bytes[0])
  withUnsafeMutableBytes(of: &storage) { target in
    let source = UnsafeRawBufferPointer(start: bytes + 1, count: min(count - 1, target.count))
    target.copyMemory(from: source)
  }
  let address = Socket.Address(storage, length: length)
  do throws(CoroutineError) {
    try checkKernelRoundTrip(address)
    try checkTextRoundTrip(address)
  } catch {
    fatalError("\(error)")
  }
  _ = (address.host, address.port, address.path, address.abstractName, address.hashValue)
  return 0
}

private func checkKernelRoundTrip(_ address: Socket.Address) throws(CoroutineError) {
  let again = try address.withKernelAddress { pointer, length throws(CoroutineError) in
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { target in
      target.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(length)))
    }
    return Socket.Address(storage, length: length)
  }
  guard again == address else { fatalError("\(address) comes back as \(again)") }
}

private func checkTextRoundTrip(_ address: Socket.Address) throws(CoroutineError) {
  switch address.storage {
  case .other:
    // A family that is not known has no text that could be read.
    return
  case .unixAbstract(let name) where name.isEmpty:
    // Nor has the abstract name that is empty, which only the kernel takes.
    return
  case .inet6(_, _, _, let flow, _) where flow != 0:
    // The text has no place for the flow.
    return
  default:
    break
  }
  let again = try Socket.Address(parsing: address.description)
  guard again == address else { fatalError("\(address) reads as \(again)") }
}
