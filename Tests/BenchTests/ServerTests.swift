import Glibc
import Testing

@testable import coro_bench

/// Each way of loading against each server that it makes sense for, as programs.
@Suite struct ServerTests {
  private static let backends = BackendUnderTest.all.filter { $0.reasonForDenial() == nil }
    .map(\.name)

  private func load(_ mode: LoadMode, size: Int = 512) -> LoadDescription {
    LoadDescription(mode: mode, connections: 5, size: size, depth: 3, duration: .milliseconds(5))
  }

  private func expectAnswers(
    _ service: [String], _ backend: String, _ loads: [LoadDescription]
  ) throws {
    let server = try ServerUnderTest(service + ["--backend", backend])
    for load in loads {
      let result = try server.load(load)
      #expect(result.requests > 0)
      #expect(result.nanoseconds > 0)
      #expect(result.generatorNanoseconds > 0)
      #expect(result.percentile(0.5) <= result.percentile(1))
    }
    try server.end()
  }

  @Test(arguments: backends)
  func `echo serves connections over TCP`(backend: String) throws {
    let loads = [load(.echo), load(.stream), load(.exchange), load(.echo, size: 300_000)]
    try expectAnswers(["echo", "--tcp", "127.0.0.1:0"], backend, loads)
  }

  @Test(arguments: backends)
  func `echo serves connections on a Unix socket`(backend: String) throws {
    let loads = [load(.echo), load(.stream), load(.exchange), load(.stream, size: 100_000)]
    let name = "@coro-bench-test-\(backend)-\(getpid())"
    try expectAnswers(["echo", "--unix", name], backend, loads)
  }

  @Test(arguments: backends)
  func `several threads serve one port`(backend: String) throws {
    let loads = [load(.echo), load(.exchange)]
    try expectAnswers(["echo", "--tcp", "127.0.0.1:0", "--threads", "3"], backend, loads)
  }

  @Test(arguments: backends)
  func `stream passes messages through a queue`(backend: String) throws {
    let loads = [load(.stream), load(.echo), load(.exchange), load(.exchange, size: 512 * 50)]
    try expectAnswers(["stream", "--tcp", "127.0.0.1:0"], backend, loads)
  }

  @Test(arguments: backends)
  func `mixed answers while it computes`(backend: String) throws {
    try expectAnswers(["mixed", "--tcp", "127.0.0.1:0"], backend, [load(.echo)])
  }

  @Test(arguments: backends)
  func `datagrams come back`(backend: String) throws {
    let loads = [load(.datagram), load(.datagram, size: 2048)]
    try expectAnswers(["datagram", "--udp", "127.0.0.1:0"], backend, loads)
  }

  @Test(
    arguments: [
      ["echo", "--tcp", "127.0.0.1:0", "--threads", "2"], ["stream", "--tcp", "127.0.0.1:0"],
      ["mixed", "--tcp", "127.0.0.1:0"],
    ], [SIGINT, SIGTERM])
  func `a server ends while it is loaded`(service: [String], signal: CInt) throws {
    let server = try ServerUnderTest(service)
    let endless = LoadDescription(mode: .stream, connections: 50, size: 512, duration: .seconds(60))
    let load = try server.startLoading(endless)
    defer { close(load.output) }
    // Something was answered before the end.
    _ = try server.load(self.load(.echo))
    try server.end(signal)
    #expect(throws: BenchError.self) { try load.requireSuccess() }
  }

  @Test func `a Unix socket's file ends with its server`() throws {
    let path = "/tmp/coro-bench-test-\(getpid())"
    let server = try ServerUnderTest(["echo", "--unix", path])
    #expect(server.address == path)
    #expect(try server.load(load(.echo)).requests > 0)
    try server.end()
    #expect(access(path, F_OK) != 0)
  }

  @Test(arguments: [
    ["echo"], ["echo", "--tcp", "127.0.0.1:0", "--unix", "x"],
    ["echo", "--unix", "x", "--threads", "2"], ["echo", "--tcp", "127.0.0.1:0", "--threads", "0"],
    ["stream", "--tcp", "127.0.0.1:0", "--backend", "kqueue"], ["datagram"], ["other"],
  ])
  func `what makes no sense is refused`(arguments: [String]) throws {
    #expect(throws: (any Error).self) { try CoroBench.parseAsRoot(["serve"] + arguments) }
  }
}
