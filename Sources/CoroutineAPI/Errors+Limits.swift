import SystemPackage

extension Errno {
  /// Which limit the kernel means, and the remedy; empty if it means none.
  var limitReached: String {
    switch self {
    case .tooManyOpenFiles:
      "the limit of this process is reached (ulimit -n, RLIMIT_NOFILE); raise it, or close some"
    case .tooManyOpenFilesInSystem:
      "the limit of all processes is reached (sysctl fs.file-max); raise it"
    default: ""
    }
  }
}
