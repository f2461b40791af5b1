import CVersions

/// What the peers are built of.
package enum Versions {
  package static var swift: String { "Swift " + String(cString: peers_swift_version()) }
  package static var nio: String {
    "SwiftNIO " + String(cString: peers_nio_version()) + ", " + swift
  }
}
