import CoroutineAPI
import Glibc
import SystemPackage
import Testing

extension Conformance {
  /// `dump()`: what it says of each coroutine; and a signal that asks for it.
  @Suite struct Dumping {
    /// The line of the dump that begins with `name`, without what varies.
    private func line(_ name: String) throws -> String {
      let lines = Coroutine.dumpText().split(separator: "\n").map { $0.drop { $0 == " " } }
      return String(try #require(lines.first { $0.hasPrefix(name) }))
    }

    @Test(arguments: BackendUnderTest.selected)
    func `each coroutine has a line, in order of their start`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let coroutines = (0..<3).map { number in
          Coroutine(name: "worker \(number)", daemon: number == 1) {
            try Coroutine.sleep(.infinity)
          }
        }
        for coroutine in coroutines { coroutine.start() }
        let lines = Coroutine.dumpText().split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines[0].hasPrefix("4 coroutines in the loop of thread "))
        #expect(lines[0].hasSuffix(" of process \(getpid()), on \(backend.name):"))
        let main = try #require(Coroutine.main.ident)
        #expect(lines[1] == "  MainCoroutine (ident \(main)) runs")
        for (number, coroutine) in coroutines.enumerated() {
          let ident = try #require(coroutine.ident)
          let text = "\(lines[2 + number])"
          let label =
            "  worker \(number) (ident \(ident))\(number == 1 ? ", a daemon," : "") sleeps"
          #expect(text.hasPrefix(label + ", for "), "\(text)")
          #expect(text.hasSuffix(" ms; started by MainCoroutine (ident \(main))"), "\(text)")
          coroutine.cancel()
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `what each waits for, and how long yet`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (left, right) = try Coroutine.socketPair()
        let (reader, writer) = try Coroutine.pipe()
        let listener = try unixListener()
        _ = try writer.fill()
        let bodies: [(name: String, body: () throws -> Void)] = [
          ("receiver", { _ = try left.receiveText() }),
          ("reader", { _ = try reader.readText() }),
          ("writer", { try writer.writeAll("more") }),
          ("acceptor", { _ = try listener.accept(timeout: .seconds(3600)) }),
          ("sleeper", { try Coroutine.sleep(for: .seconds(100)) }),
          ("joiner", { try Coroutine.main.join() }),
        ]
        // The reader would find bytes.
        let coroutines = bodies.filter { $0.name != "reader" }.map {
          Coroutine(name: $0.name, $0.body)
        }
        for coroutine in coroutines { coroutine.start() }
        let main = try #require(Coroutine.main.ident)
        #expect(
          try line("receiver").contains(" waits to receive from descriptor \(left.number), for "))
        #expect(try line("writer").contains(" waits to write to descriptor \(writer.number), for "))
        let acceptor = try line("acceptor")
        #expect(acceptor.contains(" waits to accept on descriptor \(listener.number), for "))
        #expect(acceptor.contains(", 3599.9 s left; started by"), "\(acceptor)")
        #expect(try line("sleeper").contains(", 99.9 s left;"))
        #expect(
          try line("joiner").contains(" waits for the end of MainCoroutine (ident \(main)), for "))
        coroutines[0].cancel()
        #expect(try line("receiver").contains("; cancelled; started by"))
        for coroutine in coroutines.dropFirst() { coroutine.cancel() }
        for coroutine in coroutines { try coroutine.join() }
        withExtendedLifetime((right, reader)) {}
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `since when`(on backend: BackendUnderTest) throws {
      try backend.run {
        let sleeper = Coroutine(name: "sleeper") { try Coroutine.sleep(.infinity) }
        sleeper.start()
        try eventually {
          let words = try line("sleeper").split(separator: " ")
          let index = try #require(words.firstIndex(of: "for"))
          return try #require(Int(words[index + 1])) >= 20
        }
        sleeper.cancel()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `who started it, also when that one has ended`(on backend: BackendUnderTest) throws {
      try backend.run {
        let child = Coroutine(name: "child") { try Coroutine.sleep(.infinity) }
        let parent = Coroutine(name: "parent") {
          child.start()
          let ident = try #require(Coroutine.current.ident)
          #expect(try line("child").hasSuffix("; started by parent (ident \(ident))"))
        }
        parent.start()
        let ident = try #require(parent.ident)
        #expect(try line("child").hasSuffix("; started by ident \(ident), which has ended"))
        child.cancel()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `it goes to a descriptor`(on backend: BackendUnderTest) throws {
      try backend.run {
        let (reader, writer) = try Coroutine.pipe()
        Coroutine.dump(to: writer.fileDescriptor)
        try writer.close()
        let text = try reader.readText()
        #expect(text.hasPrefix("1 coroutines in the loop of thread ") && text.hasSuffix(" runs\n"))
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a deadlock's report has the same lines`(on backend: BackendUnderTest) throws {
      try backend.run {
        let main = Coroutine.main
        let first = Coroutine(name: "first") { try main.join() }
        let second = Coroutine(name: "second") { try first.join() }
        first.start()
        second.start()
        let error = try failure { try second.join() }
        #expect(error.code == .deadlock)
        let idents = try [main, first, second].map { try #require($0.ident) }
        let text = error.description
        let starter = "started by MainCoroutine (ident \(idents[0]))"
        #expect(text.contains("\n  second (ident \(idents[2])) waits for the end of first (ident "))
        #expect(text.contains(" waits for the end of MainCoroutine (ident \(idents[0])), for "))
        let pieces = text.split(separator: starter, omittingEmptySubsequences: false)
        #expect(pieces.count == 3, "\(text)")
        first.cancel()
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a signal that only dumps keeps no deadlock from being found`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        try Coroutine.dump(onSignal: SIGQUIT)
        // What comes back can be set again.
        try Coroutine.signal(SIGQUIT, try Coroutine.signal(SIGQUIT, .default))
        let target = Coroutine { try Coroutine.main.join() }
        target.start()
        #expect(errorCode { try target.join() } == .deadlock)
        target.cancel()
        guard case .dump = try Coroutine.signal(SIGQUIT, .default) else {
          Issue.record("it was no dump")
          return
        }
      }
    }
  }
}
