// swift-tools-version: 6.3
import PackageDescription

// A package of its own, as a stranger's would be: it knows the library by its products alone.
let package = Package(
  name: "swift-coroutines-examples",
  dependencies: [
    .package(name: "swift-coroutines", path: "..")
  ],
  targets: ["first", "signals", "heartbeat", "echo-server", "proxy", "chat"].map {
    .executableTarget(
      name: $0, dependencies: [.product(name: "Coroutines", package: "swift-coroutines")])
  } + [
    .testTarget(
      name: "ExamplesTests",
      dependencies: [
        .product(name: "Coroutines", package: "swift-coroutines"),
        .product(name: "CoroutineConformance", package: "swift-coroutines"),
      ]),
    .testTarget(
      name: "StrangerTests",
      dependencies: [
        .product(name: "CoroutineConformance", package: "swift-coroutines"),
        .product(name: "CoroutineAPI", package: "swift-coroutines"),
        .product(name: "BackendEpoll", package: "swift-coroutines"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
