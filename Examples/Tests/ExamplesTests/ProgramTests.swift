import CoroutineConformance
import Coroutines
import Glibc
import Testing

/// The backends that this machine permits, by the names that `COROUTINE_BACKEND` takes.
let permittedBackends: [String] = ["epoll", "io_uring"].filter { name in
  let choice: BackendChoice = name == "epoll" ? .epoll : .ioUring
  do {
    try choice.make().close()
    return true
  } catch {
    print("ExamplesTests: \(name) was skipped: \(error)")
    return false
  }
}

/// A path that no other test has.
func temporaryPath(_ name: String) -> String {
  "/tmp/coroutines-\(getpid())-\(name)"
}

// Nested, so that they take their turn with the suite's cases: signals, descriptors and the
// machine's two cores are shared.
extension Conformance {
  /// The examples without connections: each is run as a process of its own.
  @Suite struct Programs {
    @Test func `the backends that COROUTINE_REQUIRE names are there`() {
      let required = getenv("COROUTINE_REQUIRE").map { String(cString: $0) } ?? ""
      for name in required.split(separator: ",") where name == "epoll" || name == "io_uring" {
        #expect(permittedBackends.contains(String(name)))
      }
    }

    @Test(arguments: permittedBackends)
    func `first prints 12, 56, 34`(on backend: String) throws {
      let program = try ChildProcess("first", on: backend)
      #expect(try program.lines() == ["12", "56", "34"])
      #expect(try program.waitForExit() == 0)
    }

    @Test(arguments: permittedBackends)
    func `signals handles SIGINT, which ends its loop`(on backend: String) throws {
      let program = try ChildProcess("signals", on: backend)
      #expect(try program.nextLine() == "press Ctrl-C")
      program.send(SIGINT)
      #expect(try program.lines() == ["signal 2: closing down", "closed down", "bye"])
      #expect(try program.waitForExit() == 0)
    }

    @Test(arguments: permittedBackends)
    func `heartbeat goes on beside a server of datagrams`(on backend: String) throws {
      let path = temporaryPath("heartbeat")
      let program = try ChildProcess("heartbeat", path, on: backend)
      #expect(try program.nextLine() == "heartbeat 1")
      try sendDatagrams(["hello", "wörld"], to: path)
      var lines: [String] = []
      while let line = try program.nextLine() {
        lines.append(line)
        if line == "heartbeat 2" { break }
      }
      try sendDatagrams(["quit"], to: path)
      lines += try program.lines()
      #expect(
        lines.filter { !$0.hasPrefix("heartbeat") } == [
          "received: hello", "received: wörld", "bye",
        ])
      #expect(lines.contains("heartbeat 2"))
      #expect(try program.waitForExit() == 0)
      #expect(access(path, F_OK) != 0, "the socket's file was left behind")
    }

    /// From another process.
    private func sendDatagrams(_ texts: [String], to path: String) throws {
      let script = """
        import socket, sys
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        for text in sys.argv[2].split(","): sender.sendto(text.encode(), sys.argv[1])
        """
      let sender = try ChildProcess(
        "/usr/bin/env", "python3", "-c", script, path, texts.joined(separator: ","), on: "")
      #expect(try sender.waitForExit() == 0)
    }

    @Test(arguments: ["heartbeat", "echo-server", "proxy", "chat"])
    func `without arguments it says how it is used`(_ name: String) throws {
      let program = try ChildProcess(name, on: "epoll")
      #expect(try program.waitForExit() == 2)
    }

    @Test(arguments: ["echo-server", "chat"])
    func `an address that is none is an error, not a crash`(_ name: String) throws {
      let program = try ChildProcess(name, "nowhere", on: "epoll")
      #expect(try program.waitForExit() == 1)
    }
  }
}
