import Testing

/// What every backend must do: one suite, run against each backend that the package provides.
///
/// A package that has a backend of its own depends on the product `CoroutineConformance` from a
/// test target, and says which backends there are:
///
/// ```swift
/// import CoroutineConformance
///
/// extension Conformance: @retroactive BackendProvider {
///   public static var backends: [BackendUnderTest] { [BackendUnderTest(.mine)] }
/// }
/// ```
///
/// `swift test` then runs every case. `COROUTINE_BACKENDS=epoll,mine` picks some of the backends;
/// `COROUTINE_REQUIRE=mine` makes the absence of one a failure.
@Suite(.serialized)
public enum Conformance {}
