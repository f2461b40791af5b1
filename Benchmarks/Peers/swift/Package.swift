// swift-tools-version: 6.1
import PackageDescription

/// What `build` has found out, for C: a macro with a string, or "unknown" when built by hand.
func version(_ macro: String) -> CSetting {
  .define(macro, to: "\"\(Context.environment[macro] ?? "unknown")\"")
}

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
]

let package = Package(
  name: "peers",
  products: [
    .executable(name: "nio", targets: ["NIOPeer"]),
    .executable(name: "nio-async", targets: ["NIOAsyncPeer"]),
    .executable(name: "swift-concurrency", targets: ["SwiftConcurrencyPeer"]),
  ],
  dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.80.0")],
  targets: [
    .target(
      name: "CVersions", cSettings: [version("PEERS_SWIFT_VERSION"), version("PEERS_NIO_VERSION")]),
    // What all of them have in common: arguments, figures, clocks.
    .target(name: "Peer", dependencies: ["CVersions"]),
    // What both peers of SwiftNIO have in common: how a server is set up.
    .target(name: "NIOServer", dependencies: ["Peer"] + nio),
    .executableTarget(name: "NIOPeer", dependencies: ["Peer", "NIOServer"] + nio),
    .executableTarget(name: "NIOAsyncPeer", dependencies: ["Peer", "NIOServer"] + nio),
    .executableTarget(name: "SwiftConcurrencyPeer", dependencies: ["Peer"]),
  ],
  swiftLanguageModes: [.v6]
)
