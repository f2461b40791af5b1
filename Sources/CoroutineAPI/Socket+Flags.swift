import CLinux

extension Socket {
  /// How something is received: flags of recv(2).
  public struct ReceiveFlags: OptionSet, Sendable {
    /// The bits, MSG_PEEK and its like; MSG_DONTWAIT is ignored: say `timeout: .zero`.
    public let rawValue: CInt
    /// The flags with these bits.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// MSG_PEEK: what is received stays, for the next call.
    public static let peek = ReceiveFlags(rawValue: CInt(MSG_PEEK))
    /// MSG_WAITALL: a stream's buffer is filled to its end.
    ///
    /// Fewer bytes mean that the stream has ended, that the time was up or that the socket was
    /// closed (the next call tells). Another error half way is thrown, and its `bytesTransferred`
    /// says how many bytes are in the buffer. Packets are not waited for together, `receiveFrom`
    /// doesn't wait for more, and `receiveMessage` stops at control data.
    public static let waitAll = ReceiveFlags(rawValue: CInt(MSG_WAITALL))
    /// MSG_OOB: the byte of urgent data, which is waited for.
    ///
    /// 0 bytes: the stream ended without. EINVAL where it comes with the others
    /// (`.outOfBandInline`). A `receive` that goes past its place in the stream throws it away,
    /// also one that waits there when it comes: receive one of the two at a time (tcp(7)).
    public static let outOfBand = ReceiveFlags(rawValue: CInt(MSG_OOB))
    /// MSG_TRUNC: of a packet that is longer than the buffer the real length is returned.
    ///
    /// So the result may be larger than the buffer. Without a meaning on streams.
    public static let realLength = ReceiveFlags(rawValue: CInt(MSG_TRUNC))
    /// MSG_ERRQUEUE: an error that the network reported, with `.receiveErrors` set (ip(7)).
    public static let errorQueue = ReceiveFlags(rawValue: CInt(MSG_ERRQUEUE))
  }

  /// How something is sent: flags of send(2).
  ///
  /// MSG_NOSIGNAL is always among them.
  public struct SendFlags: OptionSet, Sendable {
    /// The bits, MSG_OOB and its like; MSG_DONTWAIT is ignored: say `timeout: .zero`.
    public let rawValue: CInt
    /// The flags with these bits.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// MSG_OOB: the last byte is urgent data.
    public static let outOfBand = SendFlags(rawValue: CInt(MSG_OOB))
    /// MSG_DONTROUTE: to hosts on directly connected networks only.
    public static let dontRoute = SendFlags(rawValue: CInt(MSG_DONTROUTE))
    /// MSG_MORE: more follows, so that it can share a packet.
    public static let more = SendFlags(rawValue: CInt(MSG_MORE))
    /// MSG_EOR: the end of a record.
    public static let endOfRecord = SendFlags(rawValue: CInt(MSG_EOR))
    /// MSG_CONFIRM: the peer has answered, so its link-layer address need not be asked again.
    public static let confirm = SendFlags(rawValue: CInt(MSG_CONFIRM))
  }

  /// What the kernel says of a message that was received.
  public struct MessageFlags: OptionSet, Sendable {
    /// The bits, as recvmsg(2) leaves them.
    public let rawValue: CInt
    /// The flags with these bits.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// MSG_TRUNC: the packet was longer than the buffers; its end is lost.
    public static let truncated = MessageFlags(rawValue: CInt(MSG_TRUNC))
    /// MSG_CTRUNC: there was more control data than fits `controlCapacity`, or more descriptors
    /// than this process may open.
    public static let controlTruncated = MessageFlags(rawValue: CInt(MSG_CTRUNC))
    /// MSG_EOR: a record ends here.
    public static let endOfRecord = MessageFlags(rawValue: CInt(MSG_EOR))
    /// MSG_OOB: urgent data.
    public static let outOfBand = MessageFlags(rawValue: CInt(MSG_OOB))
    /// MSG_ERRQUEUE: it comes from the error queue.
    public static let errorQueue = MessageFlags(rawValue: CInt(MSG_ERRQUEUE))
  }
}

extension Socket.ReceiveFlags {
  /// What lies beside the stream of data: no reader stands in line for it, and no call of the
  /// kernel waits for it.
  var isAside: Bool { !isDisjoint(with: [.outOfBand, .errorQueue]) }

  /// The bits for one call on a socket with these traits.
  ///
  /// Waiting for all is this library's own, since no call that does not block can do it.
  func once(_ traits: KernelOperation.Traits) -> CInt {
    // On TCP it would throw the bytes away (tcp(7)).
    let dropped = MSG_DONTWAIT | MSG_WAITALL | (traits.contains(.tcp) ? MSG_TRUNC : 0)
    return rawValue & ~CInt(dropped)
  }
}

extension Socket.SendFlags {
  /// The bits for one call: a peer that is gone is an error, not a signal.
  var once: CInt { (rawValue & ~CInt(MSG_DONTWAIT)) | CInt(MSG_NOSIGNAL) }
}
