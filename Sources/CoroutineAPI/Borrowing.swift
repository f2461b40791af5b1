public import SystemPackage

// Descriptors that are used and not owned.

extension PipeEnd {
  /// Uses a descriptor that stays its owner's, as Python's `open(fd, closefd=False)` does.
  ///
  /// Neither `close()` nor the end of the last reference closes it: standard input is read like
  /// this. Its owner closes it after this object was closed. Everything else is as with
  /// `init(adopting:)`.
  ///
  /// - Throws: As `init(adopting:)` does.
  public convenience init(borrowing descriptor: FileDescriptor) throws(CoroutineError) {
    try self.init(adopting: descriptor)
    handle.state.pointee.isBorrowed = true
  }
}

extension Socket {
  /// Uses a socket that stays its owner's, as a C library's connection does.
  ///
  /// Neither `close()` nor the end of the last reference closes it. Its owner closes it after this
  /// object was closed. Everything else is as with `init(adopting:)`.
  ///
  /// - Throws: As `init(adopting:)` does.
  public convenience init(borrowing descriptor: FileDescriptor) throws(CoroutineError) {
    try self.init(adopting: descriptor)
    handle.state.pointee.isBorrowed = true
  }
}
