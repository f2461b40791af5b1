// swift-tools-version: 6.3
import PackageDescription

let package = Package(
  name: "swift-coroutines",
  products: [
    .library(name: "Coroutines", targets: ["Coroutines"]),
    .library(name: "CoroutineAPI", targets: ["CoroutineAPI"]),
    .library(name: "BackendEpoll", targets: ["BackendEpoll"]),
    .library(name: "BackendIOUring", targets: ["BackendIOUring"]),
    .library(name: "CoroutineConformance", targets: ["CoroutineConformance"]),
    .executable(name: "coro-bench", targets: ["coro-bench"]),
  ],
  traits: [
    .default(enabledTraits: ["IOUring"]),
    .trait(name: "IOUring", description: "The io_uring backend; needs liburing's headers."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // What only C or assembly can say: the switch, stacks, thread-local words, signal handlers.
    .target(name: "CContext"),
    // Linux headers that Glibc's module does not export.
    .target(name: "CLinux"),
    .systemLibrary(
      name: "CLiburing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),

    .target(
      name: "CoroutineAPI",
      dependencies: [
        "CContext", "CLinux", .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(name: "BackendEpoll", dependencies: ["CoroutineAPI", "CLinux"]),
    .target(
      name: "BackendIOUring",
      dependencies: [
        "CoroutineAPI", "CLinux",
        .target(name: "CLiburing", condition: .when(traits: ["IOUring"])),
      ]),
    // The umbrella: the API, every backend, and the choice of a default one.
    .target(
      name: "Coroutines",
      dependencies: [
        "CoroutineAPI", "BackendEpoll", "CContext",
        .target(name: "BackendIOUring", condition: .when(traits: ["IOUring"])),
      ]),

    .target(name: "CBench"),
    .executableTarget(
      name: "coro-bench",
      dependencies: [
        "Coroutines", "CLinux", "CContext", "CBench",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ]),

    .target(
      name: "CoroutineConformance",
      dependencies: ["CoroutineAPI", "CContext", "CLinux"],
      path: "Tests/Conformance"),
    .testTarget(name: "ConformanceTests", dependencies: ["CoroutineConformance", "Coroutines"]),
    // Programs that tests run as child processes.
    .target(name: "CTestSupport", path: "Tests/Programs/CTestSupport"),
    .executableTarget(
      name: "test-programs",
      dependencies: [
        "Coroutines", "CTestSupport", .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Tests/Programs/All"),
    .executableTarget(
      name: "test-program-bare", dependencies: ["CoroutineAPI"], path: "Tests/Programs/Bare"),
    // A program that is run while the kernel refuses, interrupts and floods it.
    .executableTarget(
      name: "fault-programs",
      dependencies: [
        "Coroutines", "CTestSupport", .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Tests/Programs/Faults"),
    .testTarget(
      name: "ProgramTests",
      dependencies: ["Coroutines", "test-programs", "test-program-bare", "fault-programs"]),
    // The scheduler and the pure parts, without a kernel or a clock.
    .testTarget(
      name: "SchedulerTests",
      dependencies: [
        "CoroutineAPI", "BackendEpoll", "CContext", "CLinux",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    // What the ring asks for and what it does without.
    .testTarget(name: "IOUringTests", dependencies: ["BackendIOUring", "CoroutineAPI", "CLinux"]),
    // That our names collide with nobody's.
    .testTarget(
      name: "NameTests",
      dependencies: ["Coroutines", .product(name: "SystemPackage", package: "swift-system")]),
    // What review forgets: reads the repository's files, links nothing of it.
    .testTarget(name: "TidyTests"),
    .testTarget(name: "BenchTests", dependencies: ["coro-bench"], exclude: ["peer.sh"]),
  ],
  swiftLanguageModes: [.v6]
)
