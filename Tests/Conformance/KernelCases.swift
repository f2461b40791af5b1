import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// What kernels do differently from one another, and what is scarce in them.
  @Suite struct Kernels {
    /// Both ends of a terminal, of which the second has this mode.
    private func terminal(_ mode: CInt) throws -> (CInt, CInt) {
      // TIOCSPTLCK and TIOCGPTPEER, which Glibc's module does not export.
      let (setLock, getPeer): (UInt, UInt) = (0x4004_5431, 0x5441)
      let keyboard = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
      var isLocked: CInt = 0
      try #require(keyboard >= 0 && ioctl(keyboard, setLock, &isLocked) == 0)
      let line = ioctl(keyboard, getPeer, O_RDWR | O_NOCTTY | O_CLOEXEC | mode)
      try #require(line >= 0)
      return (keyboard, line)
    }

    @Test(arguments: BackendUnderTest.selected, [0, O_NONBLOCK])
    func `an adopted terminal is waited for, whatever its mode`(
      on backend: BackendUnderTest, mode: CInt
    ) throws {
      let (keyboard, line) = try terminal(mode)
      try backend.run {
        let end = try PipeEnd(adopting: .init(rawValue: line))
        let keyboard = try PipeEnd(adopting: .init(rawValue: keyboard))
        let reader = spawn { try end.readText() }
        try settle()
        #expect(!reader.hasEnded)
        #expect(errorCode { _ = try end.readText(timeout: .milliseconds(1)) } == .timeout)
        try keyboard.writeAll("a line\n")
        #expect(try reader.value() == "a line\n")
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `hundreds of waits that end at the same moment all end`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        let readers = try (0..<300).map { _ in
          try PipeEnd(adopting: .init(rawValue: dup(reader.fileDescriptor.rawValue)))
        }
        let ends = readers.map { end in spawn { try end.readText() } }
        try settle()
        #expect(ends.allSatisfy { !$0.hasEnded })
        try writer.close()
        for end in ends { #expect(try end.value() == "") }
      }
    }
  }
}
