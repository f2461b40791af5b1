import CoroutineAPI
import Testing

extension Conformance {
  /// Cases that make sure that something is tested at all.
  @Suite struct Guard {
    @Test func `the package provides at least one backend`() {
      #expect(
        BackendUnderTest.provided?.isEmpty == false,
        "make Conformance conform to BackendProvider; its documentation says how")
    }

    @Test func `every backend that COROUTINE_REQUIRE names is there`() {
      for name in BackendUnderTest.list("COROUTINE_REQUIRE") ?? []
      where BackendUnderTest.isAsked(name) {
        let backend = BackendUnderTest.provided?.first { $0.name == name }
        #expect(backend != nil, "\(name) is not provided")
        if let reason = backend?.reasonForAbsence { Issue.record("\(reason)") }
      }
    }

    @Test(
      .enabled("no backend is absent") {
        (BackendUnderTest.provided ?? []).contains { $0.reasonForAbsence != nil }
      })
    func `absent backends give their reason`() {
      for backend in BackendUnderTest.provided ?? [] {
        if let reason = backend.reasonForAbsence {
          print("Conformance: \(backend.name) was skipped: \(reason)")
        }
      }
    }
  }
}
