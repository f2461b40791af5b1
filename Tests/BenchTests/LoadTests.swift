import Testing

@testable import coro_bench

@Suite struct SendTimesTests {
  @Test func `messages come back in the order in which they were sent`() {
    let memory = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 3)
    defer { memory.deallocate() }
    var times = SendTimes(in: memory, sentAt: 10)
    #expect((11...20).map { times.replaceOldest(with: $0) } == [10, 10, 10] + Array(11...17))
  }

  @Test func `a single message on its way is the oldest one`() {
    let memory = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 1)
    defer { memory.deallocate() }
    var times = SendTimes(in: memory, sentAt: 1)
    #expect((2...4).map { times.replaceOldest(with: $0) } == [1, 2, 3])
  }
}

@Suite struct LoadDescriptionTests {
  @Test(arguments: [
    ("127.0.0.1:80", "--tcp"), ("[::1]:80", "--tcp"), ("/tmp/x:80", "--unix"), ("name", "--unix"),
    ("@a:80", "--unix"),
  ])
  func `an address says what it is`(address: String, option: String) throws {
    let load = LoadDescription(connections: 1, size: 64, duration: .seconds(1))
    let arguments = load.arguments(against: address)
    let index = try #require(arguments.firstIndex(of: option))
    #expect(arguments[index + 1] == address)
  }

  @Test func `the load generator understands its arguments`() throws {
    for mode in LoadMode.allCases {
      let load = LoadDescription(
        mode: mode, connections: 3, size: 100, depth: 7, duration: .milliseconds(200), processor: 1)
      let arguments = load.arguments(against: "127.0.0.1:80", server: 5)
      let command = try LoadCommand.parse(Array(arguments.dropFirst()))
      #expect(command.mode == mode)
      #expect((command.udp != nil) == (mode == .datagram))
      #expect(command.connections == 3)
      #expect(command.size == 100)
      #expect(command.depth == 7)
      #expect(command.durationMs == 200)
      #expect(command.warmUpMs == 50)
      #expect(command.server == 5)
      #expect(command.processor == 1)
    }
  }

  @Test(arguments: [
    ["--tcp", "a:1", "--unix", "b"], ["--mode", "datagram", "--tcp", "a:1"], ["--udp", "a:1"],
    ["--mode", "other", "--tcp", "a:1"], ["--mode", "datagram", "--udp", "a:1", "--size", "3"],
    ["--tcp", "a:1", "--depth", "0"], [],
  ])
  func `contradictions are refused`(arguments: [String]) {
    #expect(throws: (any Error).self) { try LoadCommand.parse(arguments) }
  }
}
