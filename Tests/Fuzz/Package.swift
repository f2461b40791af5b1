// swift-tools-version: 6.3
import PackageDescription

// Whatever parses bytes, under libFuzzer and AddressSanitizer; scripts/fuzz builds and runs it. A
// package of its own, because these programs have no main function but libFuzzer's.
let package = Package(
  name: "swift-coroutines-fuzz",
  dependencies: [
    .package(name: "swift-coroutines", path: "../..", traits: [])
  ],
  targets: [
    "fuzz-address", "fuzz-kernel-address", "fuzz-control-message", "fuzz-buffered-reader",
  ].map {
    .executableTarget(
      name: $0, dependencies: [.product(name: "CoroutineAPI", package: "swift-coroutines")])
  },
  swiftLanguageModes: [.v6]
)
