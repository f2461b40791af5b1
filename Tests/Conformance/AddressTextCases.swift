import CLinux
import CoroutineAPI
import Testing

/// Unix names are any bytes; an address's text tells each of them.
extension Conformance {
  @Suite struct AddressText {
    @Test(arguments: BackendUnderTest.selected)
    func `bytes that are no text print, and parse back to themselves`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let names: [[UInt8]] = [
          [0xff, 0xfe], [0, 1, 2], [0x61, 0, 0x62], [0xc3], [0xe2, 0x82], Array("a\\x00".utf8),
          Array("\\".utf8), [0x0a], [0x7f], [0xc2, 0x85], Array("größe €".utf8),
        ]
        for name in names {
          // The kernel is who can hand us such a name, so it is asked to.
          let address = try kernelName(name + Array("-\(getpid())".utf8))
          #expect(Socket.Address(address.description) == address, "\(address)")
          #expect(address.description.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a name's first character does not hide what stands before it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        // A combining accent makes one character with the "@" or the ":" in front of it.
        let abstract = try Socket.Address.unix(abstract: "\u{301}name")
        #expect(Socket.Address(abstract.description) == abstract)
        let path = try Socket.Address.unix(path: "\u{301}name")
        #expect(Socket.Address(path.description) == path)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a path that begins with an at sign parses back to itself`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        for text in ["@", "@name", "@@", String(repeating: "@", count: 108)] {
          let address = try Socket.Address.unix(path: text)
          #expect(Socket.Address(address.description) == address)
        }
      }
    }

    @Test(
      arguments: BackendUnderTest.selected,
      ["unix:\\", "unix:\\x", "unix:\\x4", "unix:\\xgg", "unix:\\n", "unix:@a\\", "unix:\\x00"])
    func `a backslash that says nothing is refused`(
      on backend: BackendUnderTest, text: String
    ) throws {
      try backend.run {
        #expect(errorCode { _ = try Socket.Address(parsing: text) } == .invalidArgument)
      }
    }

    /// What the kernel reports for a socket that was bound to this abstract name by other code.
    private func kernelName(_ name: [UInt8]) throws -> Socket.Address {
      let socket = try Coroutine.socket(.unix, .datagram)
      defer { try? socket.close() }
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0[1...].copyBytes(from: name) }
      let length = socklen_t(3 + name.count)
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          CLinux.bind(socket.fileDescriptor.rawValue, $0, length)
        }
      }
      #expect(result == 0)
      return try socket.localAddress
    }
  }
}
