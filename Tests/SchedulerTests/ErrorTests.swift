@testable import CoroutineAPI
import Glibc
import SystemPackage
import Testing

/// How errors read.
@Suite struct ErrorDescriptions {
  @Test func `the kernel's reason is told in words and by its name`() {
    let error = CoroutineError(
      .system, errno: .connectionRefused, call: "connect", operands: "to 127.0.0.1:80")
    #expect(error.description == "connect to 127.0.0.1:80: Connection refused (ECONNREFUSED)")
  }

  @Test(arguments: [
    (CoroutineError.Code.timeout, "read from pipe 5: timed out"),
    (.cancelled, "read from pipe 5: the coroutine was cancelled"),
    (.closed, "read from pipe 5: the descriptor is closed"),
    (.deadlock, "read from pipe 5: deadlock"),
    (.misuse, "read from pipe 5: misuse"),
    (.invalidArgument, "read from pipe 5: invalidArgument"),
    (.unavailable, "read from pipe 5: unavailable"),
    (.system, "read from pipe 5: system"),
  ])
  func `each code reads as a sentence`(code: CoroutineError.Code, sentence: String) {
    let error = CoroutineError(code, call: "read", operands: "from pipe 5")
    #expect(error.description == sentence)
    #expect("\(error)" == sentence)
  }

  @Test func `a detail takes the place of the code`() {
    let error = CoroutineError(.misuse, call: "join", operands: "A", detail: "it was not started")
    #expect(error.description == "join A: it was not started")
  }

  @Test func `a detail follows the kernel's reason`() {
    let error = CoroutineError(
      .unavailable, errno: .tooManyOpenFiles, call: "the epoll backend",
      detail: "raise the limit")
    #expect(
      error.description == "the epoll backend: Too many open files (EMFILE); raise the limit")
  }

  @Test func `without operands there is no gap`() {
    #expect(CoroutineError(.timeout, call: "sleep").description == "sleep: timed out")
  }

  @Test func `an errno value that nobody knows is told by its number`() {
    let error = CoroutineError(.system, errno: Errno(rawValue: 4_000), call: "read")
    #expect(error.description.contains("4000"))
  }

  @Test func `what came of an operation becomes an error in one place`() {
    #expect(CoroutineError(.timeout, call: "read", operands: "").code == .timeout)
    let outcomes: [(Outcome, CoroutineError.Code, Errno?)] = [
      (.timeout, .timeout, nil), (.cancelled, .cancelled, nil), (.closed, .closed, nil),
      (Outcome(-Int(EPIPE)), .system, .brokenPipe), (Outcome(-Int(EAGAIN)), .system, .wouldBlock),
    ]
    for (outcome, code, errno) in outcomes {
      let error = CoroutineError(outcome, call: "write", operands: "to pipe 4")
      #expect(error.code == code && error.errno == errno)
    }
  }

  @Test func `a count is no error`() throws {
    #expect(try Outcome(0).value("read") == 0)
    #expect(try Outcome(4_096).value("read") == 4_096)
    #expect(throws: CoroutineError(.system, errno: .badFileDescriptor, call: "read")) {
      _ = try Outcome(-Int(EBADF)).value("read")
    }
  }

  @Test func `errors that say the same are equal`() {
    let error = CoroutineError(.timeout, call: "read")
    #expect(error == CoroutineError(.timeout, call: "read"))
    #expect(error != CoroutineError(.timeout, call: "write"))
    #expect(error != CoroutineError(.cancelled, call: "read"))
  }
}
