import CLinux
import Glibc
public import SystemPackage

/// The one error that this library throws.
///
/// It says what went wrong (`code`, and the kernel's `errno` where there is one), in which call,
/// and with which operands; `description` is a sentence:
/// `connect to 127.0.0.1:80: Connection refused (ECONNREFUSED)`.
public struct CoroutineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, to be matched:
  /// `switch error.code { case .timeout: …; default: throw error }`.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private let number: UInt8
    private static let names = [
      "system", "timeout", "cancelled", "deadlock", "closed", "misuse", "invalidArgument",
      "unavailable", "endOfStream", "limitExceeded",
    ]

    private init(_ number: UInt8) {
      self.number = number
    }

    /// The code's name.
    public var description: String { Self.names[Int(number)] }

    /// The kernel refused; `errno` says why.
    public static let system = Code(0)
    /// The time given to the call was up.
    ///
    /// Nothing was consumed; of what calls were given that send all of it, a part may have been
    /// sent: `bytesTransferred` says how much.
    public static let timeout = Code(1)
    /// The coroutine was told to end.
    public static let cancelled = Code(2)
    /// Every coroutine waits for another, so none can ever go on.
    public static let deadlock = Code(3)
    /// The descriptor was closed, before the call or by another coroutine during it.
    public static let closed = Code(4)
    /// The call makes no sense here; the description says what to do.
    public static let misuse = Code(5)
    /// An operand is out of its range.
    public static let invalidArgument = Code(6)
    /// No backend can be had; the description says what to do.
    public static let unavailable = Code(7)
    /// The stream ended in the middle of what was to be read; what came before is still there.
    public static let endOfStream = Code(8)
    /// What was to be read is longer than the caller allows; it is still there.
    public static let limitExceeded = Code(9)
  }

  /// The parts lie on the heap, so that an error is one word: it travels in a register, and the
  /// calls that can throw it stay as cheap as those that can't.
  private final class Parts: Sendable {
    let code: Code
    let errno: Errno?
    let call: StaticString
    let operands: String
    let detail: String
    let bytesTransferred: Int

    init(
      _ code: Code, _ errno: Errno?, _ call: StaticString, _ operands: String, _ detail: String,
      _ bytesTransferred: Int
    ) {
      self.code = code
      self.errno = errno
      self.call = call
      self.operands = operands
      self.detail = detail
      self.bytesTransferred = bytesTransferred
    }
  }

  private let parts: Parts

  /// An error with these parts.
  ///
  /// Backends make them when they can't be made.
  public init(
    _ code: Code, errno: Errno? = nil, call: StaticString, operands: String = "",
    detail: String = "", bytesTransferred: Int = 0
  ) {
    parts = Parts(code, errno, call, operands, detail, bytesTransferred)
  }

  /// What went wrong.
  public var code: Code { parts.code }
  /// The kernel's reason, where there is one.
  public var errno: Errno? { parts.errno }
  /// The call that failed, by its name in this library.
  public var call: String { "\(parts.call)" }
  /// The call's operands as a phrase ("to 127.0.0.1:80"), or empty.
  public var operands: String { parts.operands }
  /// More than code and errno say, or empty.
  public var detail: String { parts.detail }
  /// How many bytes a call had moved when it failed, of those that move all they are given:
  /// `sendAll`, `writeAll`, `BufferedWriter.write`, and what receives with `.waitAll`.
  public var bytesTransferred: Int { parts.bytesTransferred }

  /// Whether all parts are equal.
  public static func == (left: CoroutineError, right: CoroutineError) -> Bool {
    left.code == right.code && left.errno == right.errno && left.call == right.call
      && left.operands == right.operands && left.detail == right.detail
      && left.bytesTransferred == right.bytesTransferred
  }

  /// Feeds the parts that tell errors apart.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(code)
    hasher.combine(errno)
    hasher.combine(operands)
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
    if let sentence = Self.sentence(for: code) { parts.append(sentence) }
    if !detail.isEmpty { parts.append(detail) }
    return parts.isEmpty ? code.description : parts.joined(separator: "; ")
  }

  /// What a code says by itself; nil where `errno` or the detail says it.
  private static func sentence(for code: Code) -> String? {
    switch code {
    case .timeout: "timed out"
    case .cancelled: "the coroutine was cancelled"
    case .closed: "the descriptor is closed"
    case .endOfStream: "the stream has ended"
    case .limitExceeded: "the limit is exceeded"
    default: nil
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
      self.init(
        Code.system, errno: errno, call: call, operands: operands, detail: errno.limitReached)
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

extension CoroutineError {
  /// As above, after a part of what was asked was done.
  init(
    _ outcome: Outcome, call: StaticString, operands: String, moved: Int, of count: Int,
    _ participle: StaticString
  ) {
    let plain = CoroutineError(outcome, call: call, operands: operands)
    self.init(
      plain.code, errno: plain.errno, call: call, operands: operands,
      detail: "\(moved) of \(count) bytes were \(participle)", bytesTransferred: moved)
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
