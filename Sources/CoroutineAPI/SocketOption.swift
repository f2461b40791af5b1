import CLinux
import Glibc

/// An option of a socket, with the type of its value: `try socket.setOption(.reuseAddress, true)`.
///
/// One that is not among them is made of its numbers, and is a `Bool`, an `Int`, a `String` or
/// bytes: `SocketOption<Int>(level: SOL_SOCKET, name: SO_ZEROCOPY)`.
public struct SocketOption<Value>: Sendable {
  let level: CInt
  let name: CInt
  /// The name in the manual pages, for errors.
  private let label: StaticString?
  /// Which numbers the kernel takes as they are, where it does not refuse the others itself.
  let range: ClosedRange<Int>
  /// Of what a duration is a multiple.
  let unit: Duration

  init(
    _ label: StaticString, _ level: CInt, _ name: CInt,
    in range: ClosedRange<Int> = Int(CInt.min)...Int(CInt.max), unit: Duration = .seconds(1)
  ) {
    self.label = label
    self.level = level
    self.name = name
    self.range = range
    self.unit = unit
  }

  /// The option with these numbers, as setsockopt(2) takes them.
  public init(level: CInt, name: CInt) {
    self.level = level
    self.name = name
    label = nil
    range = Int(CInt.min)...Int(CInt.max)
    unit = .seconds(1)
  }

  /// For errors: "SO_LINGER".
  var title: String { label.map { "\($0)" } ?? "option \(name) of level \(level)" }
}

// MARK: - The calls

extension SocketOption {
  func value(of descriptor: CInt) throws(CoroutineError) -> CInt {
    var value: CInt = 0
    _ = try withUnsafeMutableBytes(of: &value) { bytes throws(CoroutineError) in
      try fill(bytes, of: descriptor)
    }
    return value
  }

  func bytes(of descriptor: CInt, capacity: Int) throws(CoroutineError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 8)
    defer { buffer.deallocate() }
    return [UInt8](buffer[..<(try fill(buffer, of: descriptor))])
  }

  /// Returns how many bytes the kernel wrote.
  private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, of descriptor: CInt
  ) throws(CoroutineError) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    var length = socklen_t(buffer.count)
    _ = try withUnsafeMutablePointer(to: &length) { length throws(CoroutineError) in
      try Scheduler.call(
        "option", .getOption(descriptor, level: level, name: name, start, length),
        "\(title) of socket \(descriptor)")
    }
    return min(Int(length), buffer.count)
  }

  func set(_ value: CInt, of descriptor: CInt) throws(CoroutineError) {
    try withUnsafeBytes(of: value) { bytes throws(CoroutineError) in
      try set(bytes, of: descriptor, "\(value)")
    }
  }

  func set(
    _ bytes: UnsafeRawBufferPointer, of descriptor: CInt, _ text: @autoclosure () -> String
  ) throws(CoroutineError) {
    _ = try Scheduler.call(
      "setOption", .setOption(descriptor, level: level, name: name, bytes),
      "\(title) of socket \(descriptor) to \(text())")
  }

  /// A number that the kernel takes as it is.
  func checked(_ value: Int, of descriptor: CInt, _ text: String? = nil) throws(CoroutineError)
    -> CInt
  {
    guard range ~= value, let number = CInt(exactly: value) else {
      let limits = "from \(range.lowerBound) to \(range.upperBound)"
      throw refusal(of: descriptor, text ?? "\(value)", "it takes numbers \(limits)")
    }
    return number
  }

  /// How many units a duration has.
  func count(of duration: Duration, _ descriptor: CInt) throws(CoroutineError) -> CInt {
    let unitNanoseconds = unit.saturatedNanoseconds
    let (count, rest) = duration.saturatedNanoseconds.quotientAndRemainder(
      dividingBy: unitNanoseconds)
    guard rest == 0, count >= 0 else {
      throw refusal(of: descriptor, "\(duration)", "it takes multiples of \(unit), from zero on")
    }
    return try checked(Int(count), of: descriptor, "\(duration)")
  }

  func duration(of count: CInt) -> Duration { unit * Int(count) }

  private func refusal(
    of descriptor: CInt, _ value: String, _ detail: String
  ) -> CoroutineError {
    CoroutineError(
      .invalidArgument, call: "setOption", operands: "\(title) of socket \(descriptor) to \(value)",
      detail: detail)
  }
}

extension Socket {
  // MARK: Setting options

  /// Sets an option that is on or off.
  ///
  /// Does not suspend. The C function is `setsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT, EINVAL, EPERM), `closed`, `misuse` where there is no loop.
  public func setOption(_ option: SocketOption<Bool>, _ value: Bool) throws(CoroutineError) {
    try checkOpen("setOption")
    try option.set(value ? 1 : 0, of: handle.descriptor)
  }

  /// Sets an option that is a number.
  ///
  /// Does not suspend. The C function is `setsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT, EINVAL, EPERM), `invalidArgument` beyond what the kernel
  ///   would take as it is, `closed`, `misuse` where there is no loop.
  public func setOption(_ option: SocketOption<Int>, _ value: Int) throws(CoroutineError) {
    try checkOpen("setOption")
    try option.set(try option.checked(value, of: handle.descriptor), of: handle.descriptor)
  }

  /// Sets an option that is a time, counted by the kernel in the units that the option names.
  ///
  /// Does not suspend. The C function is `setsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT, EINVAL, EPERM), `invalidArgument` for what is no multiple of
  ///   the unit or too long, `closed`, `misuse` where there is no loop.
  public func setOption(
    _ option: SocketOption<Duration>, _ value: Duration
  ) throws(CoroutineError) {
    try checkOpen("setOption")
    try option.set(try option.count(of: value, handle.descriptor), of: handle.descriptor)
  }

  /// Sets an option that is a time or nothing: `.linger`.
  ///
  /// Does not suspend. The C function is `setsockopt`.
  ///
  /// - Throws: `system`, `invalidArgument` for what is no multiple of a second or too long,
  ///   `closed`, `misuse` where there is no loop.
  public func setOption(
    _ option: SocketOption<Duration?>, _ value: Duration?
  ) throws(CoroutineError) {
    try checkOpen("setOption")
    var linger = Glibc.linger()
    if let value {
      linger.l_onoff = 1
      linger.l_linger = try option.count(of: value, handle.descriptor)
    }
    try withUnsafeBytes(of: linger) { bytes throws(CoroutineError) in
      try option.set(bytes, of: handle.descriptor, value.map { "\($0)" } ?? "nothing")
    }
  }

  /// Sets an option that is a text.
  ///
  /// Does not suspend. The C function is `setsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT, ENODEV, ENOENT, EPERM), `closed`, `misuse` where there is no
  ///   loop.
  public func setOption(_ option: SocketOption<String>, _ value: String) throws(CoroutineError) {
    try checkOpen("setOption")
    // With the zero byte, which some options want and the others allow.
    try ([UInt8](value.utf8) + [0]).span.bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try option.set(bytes, of: handle.descriptor, "\"\(value)\"")
    }
  }

  /// Sets an option that this library has no type for.
  ///
  /// Does not suspend. The C function is `setsockopt`.
  ///
  /// - Throws: `system`, `closed`, `misuse` where there is no loop.
  public func setOption(_ option: SocketOption<[UInt8]>, _ value: [UInt8]) throws(CoroutineError) {
    try checkOpen("setOption")
    try value.span.bytes.withUnsafeBytes { bytes throws(CoroutineError) in
      try option.set(bytes, of: handle.descriptor, "\(value.count) bytes")
    }
  }

  // MARK: Asking for options

  /// Whether an option is on.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT), `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<Bool>) throws(CoroutineError) -> Bool {
    try checkOpen("option")
    return try option.value(of: handle.descriptor) != 0
  }

  /// The value of an option that is a number.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT), `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<Int>) throws(CoroutineError) -> Int {
    try checkOpen("option")
    return Int(try option.value(of: handle.descriptor))
  }

  /// The value of an option that is a time.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT), `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<Duration>) throws(CoroutineError) -> Duration {
    try checkOpen("option")
    return option.duration(of: try option.value(of: handle.descriptor))
  }

  /// The value of an option that is a time, or nil: `.linger`.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `system`, `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<Duration?>) throws(CoroutineError) -> Duration? {
    try checkOpen("option")
    let size = MemoryLayout<linger>.size
    let bytes = try option.bytes(of: handle.descriptor, capacity: size)
    guard bytes.count == size else { return nil }
    let value = bytes.withUnsafeBytes { $0.loadUnaligned(as: linger.self) }
    return value.l_onoff == 0 ? nil : option.duration(of: value.l_linger)
  }

  /// The value of an option that is a text, without zero bytes at its end.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT), `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<String>) throws(CoroutineError) -> String {
    String(
      decoding: try self.option(SocketOption<[UInt8]>(option), capacity: 256).prefix { $0 != 0 },
      as: UTF8.self)
  }

  /// The value of an option that this library has no type for, or its first `capacity` bytes.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT), `closed`, `misuse` where there is no loop.
  public func option(
    _ option: SocketOption<[UInt8]>, capacity: Int = 1024
  ) throws(CoroutineError) -> [UInt8] {
    try checkOpen("option")
    // No option is so long.
    return try option.bytes(of: handle.descriptor, capacity: min(max(0, capacity), 1 << 20))
  }

  /// Who is at the other end of a Unix connection: `.peerCredentials`.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `system` (ENOPROTOOPT), `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<Credentials>) throws(CoroutineError) -> Credentials {
    try checkOpen("option")
    let bytes = try option.bytes(of: handle.descriptor, capacity: 12)
    return Credentials(bytes) ?? Credentials(processID: 0, userID: .max, groupID: .max)
  }

  /// The socket's family.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<Family>) throws(CoroutineError) -> Family {
    try checkOpen("option")
    return Family(rawValue: try option.value(of: handle.descriptor))
  }

  /// The socket's kind.
  ///
  /// Does not suspend. The C function is `getsockopt`.
  ///
  /// - Throws: `closed`, `misuse` where there is no loop.
  public func option(_ option: SocketOption<Kind>) throws(CoroutineError) -> Kind {
    try checkOpen("option")
    return Kind(rawValue: try option.value(of: handle.descriptor))
  }

  private func checkOpen(_ call: StaticString) throws(CoroutineError) {
    if isClosed { throw CoroutineError(.closed, call: call, operands: operands) }
  }
}

extension SocketOption where Value == [UInt8] {
  fileprivate init(_ option: SocketOption<String>) {
    level = option.level
    name = option.name
    label = option.label
    range = option.range
    unit = option.unit
  }
}
