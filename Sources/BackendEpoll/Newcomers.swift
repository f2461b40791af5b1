import CLinux

/// The numbers of those who began to wait last; a moment later each is checked once.
///
/// A registration is trusted when a wait begins, because asking would cost a call each time. But
/// the number may have been closed since, or given to another file by dup2(2), and then no edge
/// would ever come.
struct Newcomers {
  /// How many calls a check costs at most; of more than these the last ones are checked.
  ///
  /// A power of two, and as many as `numbers` has.
  static let capacity = 64
  /// How long after the first of them the check comes.
  static let delay = Duration.milliseconds(20)

  private var numbers = InlineArray<64, CInt>(repeating: -1)
  private var count = 0
  /// The timer is set for the check.
  var isCheckSet = false

  var isEmpty: Bool { count == 0 }

  @inline(__always)
  mutating func note(_ descriptor: CInt) {
    numbers[count & (Self.capacity - 1)] = descriptor
    count &+= 1
  }

  /// Calls `body` with each number once, and forgets them.
  ///
  /// Where few wait again and again, they are the same few: a call each is enough.
  mutating func check(_ body: (CInt) -> Void) {
    let noted = min(count, Self.capacity)
    for index in 0..<noted where !(0..<index).contains(where: { numbers[$0] == numbers[index] }) {
      body(numbers[index])
    }
    count = 0
    isCheckSet = false
  }
}
