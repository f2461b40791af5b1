import Glibc

/// How a server ends.
enum Termination {
  /// From now on SIGTERM ends the process with status 0.
  ///
  /// It ends where it is: nothing that a server holds needs to be put away.
  static func isSuccess() {
    signal(SIGTERM) { _ in _exit(0) }
  }
}
