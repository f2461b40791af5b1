import Testing

@testable import BackendEpoll

/// Whom the epoll backend checks a moment after they began to wait.
@Suite struct NewcomersTests {
  private func checked(_ numbers: some Sequence<CInt>) -> [CInt] {
    var newcomers = Newcomers()
    for number in numbers { newcomers.note(number) }
    var checked: [CInt] = []
    newcomers.check { checked.append($0) }
    #expect(newcomers.isEmpty)
    newcomers.check { _ in Issue.record("They were not forgotten.") }
    return checked
  }

  @Test func `each is checked once, however often it waited`() {
    #expect(checked([]) == [])
    #expect(checked([7, 7, 7]) == [7])
    #expect(checked([7, 8, 7, 9, 8]) == [7, 8, 9])
    #expect(checked(repeatElement(7, count: 1000)) == [7])
  }

  @Test func `of too many the last ones are checked`() {
    let last = Set(CInt(1000 - Newcomers.capacity)..<1000)
    #expect(Set(checked(0..<1000)) == last)
  }
}
