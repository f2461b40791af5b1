import Glibc

/// The number of descriptors that this process may have.
enum DescriptorLimit {
  /// Raises it as far as the machine lets us: thousands of connections need it.
  static func raise() {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(resource, &limit)
  }
}
