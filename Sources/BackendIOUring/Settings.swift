#if IOUring
  import CoroutineAPI
  import Glibc

  /// What a ring is asked to be: the caller's wishes, then what the environment says.
  ///
  /// The variables are for tests and for finding out what a fault has to do with:
  /// `COROUTINE_IO_URING_DISABLE` (names of features with commas between them, or `all`),
  /// `COROUTINE_IO_URING_ENTRIES` and `COROUTINE_IO_URING_CQ_ENTRIES` (the lengths of the queues).
  struct Settings {
    /// What may be used.
    var features = Features.all
    /// The length of the submission queue; the kernel makes it a power of two.
    var entries: Int
    /// The length of the completion queue, no less than `entries`.
    var completionEntries: Int

    /// The longest queues that the kernel makes.
    static let entriesMax = 32_768
    static let completionEntriesMax = 2 * entriesMax

    /// These settings, whatever the environment says.
    init(entries: Int, completionEntries: Int? = nil, without disabled: Features = []) {
      self.entries = min(max(entries, 1), Self.entriesMax)
      self.completionEntries = min(
        max(completionEntries ?? self.entries * 8, self.entries), Self.completionEntriesMax)
      features = Features.all.subtracting(disabled)
    }

    /// Settings for a ring with so many entries, unless the environment says otherwise.
    ///
    /// - Throws: `unavailable` if a variable says what can't be understood.
    init(
      entries: Int, environment: (String) -> String? = Self.environment
    ) throws(CoroutineError) {
      let disabled = try Self.disabled(environment)
      let own = try Self.number("COROUTINE_IO_URING_ENTRIES", environment)
      let completions = try Self.number("COROUTINE_IO_URING_CQ_ENTRIES", environment)
      self.init(entries: own ?? entries, completionEntries: completions, without: disabled)
    }

    private static func environment(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }
    }

    private static func disabled(_ environment: (String) -> String?) throws(CoroutineError)
      -> Features
    {
      let variable = "COROUTINE_IO_URING_DISABLE"
      var disabled: Features = []
      for name in (environment(variable) ?? "").split(separator: ",") {
        if name == "all" {
          // All that can be done without.
          disabled.formUnion(Features.all.subtracting(.noDrop))
        } else if let (_, feature) = Features.named.first(where: { $0.name == name }) {
          disabled.formUnion(feature)
        } else {
          let known = Features.named.map(\.name).joined(separator: ", ")
          throw unavailable(
            "(\(variable))", "no feature is called \(name); there are: \(known), and all")
        }
      }
      return disabled
    }

    private static func number(
      _ variable: String, _ environment: (String) -> String?
    ) throws(CoroutineError) -> Int? {
      guard let text = environment(variable), !text.isEmpty else { return nil }
      guard let number = Int(text), number > 0 else {
        throw unavailable("(\(variable)=\(text))", "it is to be a number of entries, 1 or more")
      }
      return number
    }

    private static func unavailable(_ operands: String, _ detail: String) -> CoroutineError {
      CoroutineError(
        .unavailable, call: "the io_uring backend", operands: operands, detail: detail)
    }
  }
#endif
