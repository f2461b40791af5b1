// Every module that a program is likely to import beside this library, whose names must not collide
// with ours. That this file compiles is the test.
import Coroutines
import Dispatch
import Foundation
import Glibc
import Synchronization
import SystemPackage
import Testing

@Suite struct Names {
  @Test func `are unambiguous beside Foundation, Dispatch, Synchronization and Glibc`() {
    let types: [Any.Type] = [
      Socket.self, Socket.Address.self, Socket.Family.self, Socket.Kind.self, Socket.Direction.self,
      PipeEnd.self, PipeFlags.self, Instant.self, (any Backend).self, BackendChoice.self,
      LinkedBackends.self, KernelOperation.self, SystemCall.self, OperationList.self,
      Completions.self,
      WaitLimit.self, SignalAction.self, SocketOption<Bool>.self, Coroutine.self,
      CoroutineError.self, EpollBackend.self,
    ]
    #expect(Set(types.map { ObjectIdentifier($0) }).count == types.count)
  }

  @Test func `of calls are unambiguous, too`() throws {
    try Coroutine.run(on: .epoll) {
      try Coroutine.sleep(0.001)
      try Coroutine.sleep(for: .milliseconds(1))
      try Coroutine.sleep(until: .now + .milliseconds(1))
      let (reader, writer) = try Coroutine.pipe(.closeOnExec)
      let greeter = Coroutine(target: greet, args: "world", writer)
      greeter.start()
      var buffer = [UInt8](repeating: 0, count: 16)
      let count = try reader.read(into: &buffer, timeout: .seconds(1))
      #expect(String(decoding: buffer[..<count], as: UTF8.self) == "hello, world")
      try greeter.join()
    }
  }

  private let greet = { (name: String, writer: PipeEnd) throws in
    try writer.writeAll("hello, \(name)")
  }
}
