import CLinux
import Glibc
public import SystemPackage

/// The one error that this library throws.
///
/// It says what went wrong (`code`, and the kernel's `errno` where there is one), in which call, and
/// with which operands; `description` is a sentence:
/// `connect to 127.0.0.1:80: Connection refused (ECONNREFUSED)`.
public struct CoroutineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, to be matched: `switch error.code { case .timeout: …; default: throw error }`.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The code's name.
    public let description: String

    private init(_ description: String) {
      self.description = description
    }

    /// The kernel refused; `errno` says why.
    public static let system = Code("system")
    /// The time given to the call was up. Nothing was consumed.
    public static let timeout = Code("timeout")
    /// The coroutine was told to end.
    public static let cancelled = Code("cancelled")
    /// Every coroutine waits for another, so none can ever go on.
    public static let deadlock = Code("deadlock")
    /// The descriptor was closed, before the call or by another coroutine during it.
    public static let closed = Code("closed")
    /// The call makes no sense here; the description says what to do.
    public static let misuse = Code("misuse")
    /// An operand is out of its range.
    public static let invalidArgument = Code("invalidArgument")
    /// No backend can be had; the description says what to do.
    public static let unavailable = Code("unavailable")
  }

  /// What went wrong.
  public var code: Code
  /// The kernel's reason, where there is one.
  public var errno: Errno?
  /// The call that failed, by its name in this library.
  public var call: String
  /// The call's operands as a phrase ("to 127.0.0.1:80"), or empty.
  public var operands: String
  /// More than code and errno say, or empty.
  public var detail: String

  /// An error with these parts. Backends make them when they can't be made.
  public init(
    _ code: Code, errno: Errno? = nil, call: StaticString, operands: String = "",
    detail: String = ""
  ) {
    self.code = code
    self.errno = errno
    self.call = "\(call)"
    self.operands = operands
    self.detail = detail
  }

  /// A sentence for people.
  public var description: String {
    let subject = operands.isEmpty ? call : "\(call) \(operands)"
    return "\(subject): \(reason)"
  }

  private var reason: String {
    var parts: [String] = []
    if let errno {
      let name = coro_errno_name(errno.rawValue).map { String(cString: $0) } ?? "errno"
      parts.append("\(errno.description) (\(name))")
    }
    if !detail.isEmpty { parts.append(detail) }
    return parts.isEmpty ? Self.sentence(for: code) : parts.joined(separator: "; ")
  }

  private static func sentence(for code: Code) -> String {
    switch code {
    case .timeout: "timed out"
    case .cancelled: "the coroutine was cancelled"
    case .closed: "the descriptor is closed"
    default: code.description
    }
  }
}

extension CoroutineError {
  /// The one place where what the kernel said becomes an error.
  init(_ outcome: Outcome, call: StaticString, operands: String) {
    switch outcome {
    case .timeout: self.init(Code.timeout, call: call, operands: operands)
    case .cancelled: self.init(Code.cancelled, call: call, operands: operands)
    case .closed: self.init(Code.closed, call: call, operands: operands)
    default:
      let errno = Errno(rawValue: CInt(truncatingIfNeeded: -outcome.rawValue))
      self.init(Code.system, errno: errno, call: call, operands: operands)
    }
  }

  /// Why a wait that is no operation ended; nil if what it waited for happened.
  init?(_ reason: WakeReason, call: StaticString, operands: String = "", scheduler: Scheduler) {
    switch reason {
    case .ready: return nil
    case .timeout: self.init(Code.timeout, call: call, operands: operands)
    case .cancelled: self.init(Code.cancelled, call: call, operands: operands)
    case .deadlock:
      self.init(
        Code.deadlock, call: call, operands: operands,
        detail: "every coroutine waits for another:\(scheduler.waiters)")
    }
  }
}

extension Outcome {
  /// The count or descriptor, or the error.
  @inline(__always)
  func value(
    _ call: StaticString, _ operands: @autoclosure () -> String = ""
  ) throws(CoroutineError) -> Int {
    if rawValue >= 0 { return rawValue }
    throw CoroutineError(self, call: call, operands: operands())
  }
}
