import CLinux
import CoroutineAPI
import Glibc
import Testing

extension Conformance {
  /// Child processes: what they inherit, how they end, and pipes to them.
  @Suite struct Processes {
    // MARK: SIGPIPE

    @Test(arguments: BackendUnderTest.selected)
    func `writing to a pipe that nobody reads is an error, never a signal`(
      on backend: BackendUnderTest
    ) throws {
      try withDefaultPipeSignal {
        try backend.runUnblocked {
          let (reader, writer) = try Coroutine.pipe()
          try reader.close()
          expectBrokenPipe { () throws(CoroutineError) in try writer.writeAll("x") }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `writing to a socket whose peer is gone is an error, never a signal`(
      on backend: BackendUnderTest
    ) throws {
      try withDefaultPipeSignal {
        try backend.runUnblocked {
          let (near, far) = try Coroutine.socketPair(.stream)
          try far.close()
          expectBrokenPipe { () throws(CoroutineError) in try near.sendAll("x") }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a write that waits ends with an error when the reader goes`(
      on backend: BackendUnderTest
    ) throws {
      try withDefaultPipeSignal {
        try backend.runUnblocked {
          let (reader, writer) = try Coroutine.pipe()
          let closing = Coroutine {
            try settle()
            try reader.close()
          }
          closing.start()
          let bytes = [UInt8](repeating: 0, count: 1 << 20)
          expectBrokenPipe { () throws(CoroutineError) in try writer.writeAll(bytes) }
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `SIGPIPE gets a handler, which exec resets, and is not ignored`(
      on backend: BackendUnderTest
    ) throws {
      try withDefaultPipeSignal {
        try backend.runUnblocked {
          try Coroutine.sleep(0)
          #expect(disposition(of: SIGPIPE).handlerAddress > 1)
          raiseHere(SIGPIPE)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what SIGPIPE did before, unless it was the default, stays`(
      on backend: BackendUnderTest
    ) throws {
      try withDefaultPipeSignal {
        setDisposition(of: SIGPIPE, .ignoringAction)
        try backend.runUnblocked {
          let (reader, writer) = try Coroutine.pipe()
          try reader.close()
          expectBrokenPipe { () throws(CoroutineError) in try writer.writeAll("x") }
        }
        #expect(disposition(of: SIGPIPE).handlerAddress == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `SIGPIPE can be handled like any other signal`(on backend: BackendUnderTest) throws {
      try withDefaultPipeSignal {
        try backend.runUnblocked {
          var count = 0
          try Coroutine.signal(SIGPIPE) { _ in count += 1 }
          raiseHere(SIGPIPE)
          try eventually { count > 0 }
          let (reader, writer) = try Coroutine.pipe()
          try reader.close()
          expectBrokenPipe { () throws(CoroutineError) in try writer.writeAll("x") }
        }
      }
    }

    // MARK: What children inherit

    @Test(arguments: BackendUnderTest.selected, Starter.allCases)
    func `a child inherits neither blocked nor ignored signals`(
      on backend: BackendUnderTest, startedBy starter: Starter
    ) throws {
      try withDefaultPipeSignal {
        // Whatever started this process may have blocked or ignored some itself.
        let before = try SignalMasks(text: starter.outputBlocking(of: SignalMasks.command))
        try backend.runUnblocked {
          try Coroutine.signal(SIGUSR1) { _ in }
          try Coroutine.sleep(for: .microseconds(100))
          let during = try SignalMasks(text: starter.output(of: SignalMasks.command))
          #expect(during == before)
          #expect(during.ignored & (1 << UInt64(SIGPIPE - 1)) == 0)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a child that a handler starts inherits no blocked signal either`(
      on backend: BackendUnderTest
    ) throws {
      try withDefaultPipeSignal {
        let starter = Starter.spawn
        let before = try SignalMasks(text: starter.outputBlocking(of: SignalMasks.command))
        try backend.runUnblocked {
          var during: SignalMasks?
          try Coroutine.signal(SIGUSR1) { _ in
            during = try SignalMasks(text: starter.output(of: SignalMasks.command))
          }
          raiseHere(SIGUSR1)
          try eventually { during != nil }
          #expect(during == before)
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a child inherits an ignored signal, as POSIX has it`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR2, .ignore)
        let masks = try SignalMasks(text: Starter.spawn.output(of: SignalMasks.command))
        #expect(masks.ignored & (1 << UInt64(SIGUSR2 - 1)) != 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a child inherits no descriptor of the library's`(on backend: BackendUnderTest) throws {
      let command = "ls -l /proc/self/fd | grep -cE 'pipe|socket|anon_inode'"
      let before = try Starter.spawn.outputBlocking(of: command)
      try backend.runUnblocked {
        try Coroutine.signal(SIGUSR1) { _ in }
        let pipe = try Coroutine.pipe()
        let pair = try Coroutine.socketPair(.stream)
        let socket = try Coroutine.socket(.inet, .stream)
        try Coroutine.sleep(for: .microseconds(100))
        #expect(try Starter.spawn.output(of: command) == before)
        _ = (pipe, pair, socket)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a child inherits a pipe that is not close-on-exec`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        let (reader, writer) = try Coroutine.pipe([])
        let child = try Child(
          "echo hello >/proc/self/fd/\(writer.fileDescriptor.rawValue)", output: 1)
        try writer.close()
        #expect(try readToEnd(reader) == [UInt8]("hello\n".utf8))
        #expect(child.wait() == 0)
      }
    }

    // MARK: Their ends

    @Test(arguments: BackendUnderTest.selected)
    func `SIGCHLD says that a child has ended`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var isSignalled = false
        try Coroutine.signal(SIGCHLD) { _ in isSignalled = true }
        let child = try Child("exit 7", output: 1)
        try eventually { isSignalled }
        #expect(child.wait() == 7)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a SIGCHLD handler reaps every child, however the signals merge`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        var living: Set<pid_t> = []
        var codes: [CInt] = []
        try Coroutine.signal(SIGCHLD) { _ in
          for process in living {
            var status: CInt = 0
            if waitpid(process, &status, WNOHANG) == process {
              living.remove(process)
              codes.append(status >> 8)
            }
          }
        }
        for code in 1...8 { living.insert(try Child("exit \(code)", output: 1).process) }
        try eventually { living.isEmpty }
        #expect(codes.sorted() == [CInt](1...8))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the end of the stream comes when a child is killed`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        let (reader, writer) = try Coroutine.pipe()
        let child = try Child("exec sleep 60", output: writer.fileDescriptor.rawValue)
        try writer.close()
        let killer = Coroutine {
          try settle()
          kill(child.process, SIGKILL)
        }
        killer.start()
        #expect(try readToEnd(reader).isEmpty)
        #expect(child.wait() == nil)
      }
    }

    // MARK: Pipes and sockets to them

    @Test(arguments: BackendUnderTest.selected)
    func `bytes go through a child and come back whole`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        let (input, toChild) = try Coroutine.pipe()
        let (fromChild, output) = try Coroutine.pipe()
        let child = try Child(
          "exec cat", input: input.fileDescriptor.rawValue,
          output: output.fileDescriptor.rawValue)
        try input.close()
        try output.close()
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let writing = Coroutine {
          try toChild.writeAll(bytes)
          try toChild.close()
        }
        writing.start()
        #expect(try readToEnd(fromChild) == bytes)
        try writing.join()
        #expect(child.wait() == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a child that is given a socket finds it in blocking mode`(
      on backend: BackendUnderTest
    ) throws {
      try backend.runUnblocked {
        let (near, far) = try Coroutine.socketPair(.stream)
        let descriptor = far.fileDescriptor.rawValue
        // `read` fails at once if its input is in non-blocking mode and nothing is there.
        let child = try Child(
          "read line && echo \"$line, too\"", input: descriptor, output: descriptor)
        try far.close()
        TaskWatch(process: child.process).waitUntilAsleep()
        try near.sendAll("hello\n")
        var buffer = [UInt8](repeating: 0, count: 64)
        var text: [UInt8] = []
        while case let count = try near.receive(into: &buffer), count > 0 {
          text += buffer[..<count]
        }
        #expect(String(decoding: text, as: UTF8.self) == "hello, too\n")
        #expect(child.wait() == 0)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `several children are read from at the same time`(on backend: BackendUnderTest) throws {
      try backend.runUnblocked {
        var outputs: [Int: String] = [:]
        let readers = (1...4).map { number in
          Coroutine {
            outputs[number] = try Starter.spawn.output(
              of: "echo \(number); echo \(number * number)")
          }
        }
        for reader in readers { reader.start() }
        for reader in readers { try reader.join() }
        for number in 1...4 { #expect(outputs[number] == "\(number)\n\(number * number)\n") }
      }
    }
  }
}
