#if IOUring
  import CLiburing
  import CLinux
  import CoroutineAPI
  import Glibc

  /// What the backend uses of io_uring where it is there, and does without where it is not.
  ///
  /// Each is probed when a ring is made, and can be turned off with `COROUTINE_IO_URING_DISABLE`.
  /// Taken for granted are setting a ring up, entering it, POLL_ADD and POLL_REMOVE: they are as
  /// old as io_uring.
  struct Features: OptionSet, Sendable {
    let rawValue: UInt32

    // MARK: Set-up flags; where the kernel refuses them, it is asked for fewer

    /// Linux 6.0: the kernel takes no lock for others who might submit.
    static let singleIssuer = Features(rawValue: 1 << 0)
    /// Linux 6.1: completions are worked on when we wait, in one batch, and not whenever the thread
    /// enters the kernel.
    static let deferTaskrun = Features(rawValue: 1 << 1)
    /// Linux 5.19: the lesser form: no interrupt of the thread for them.
    static let coopTaskrun = Features(rawValue: 1 << 2)
    /// Linux 5.19: a flag in shared memory says that there is such work; without it every poll is a
    /// call.
    static let taskrunFlag = Features(rawValue: 1 << 3)
    /// Linux 5.18: an entry that fails does not hold back those behind it until the next call.
    static let submitAll = Features(rawValue: 1 << 4)
    /// Linux 5.5: completions come in larger bursts than submissions.
    static let completionQueueSize = Features(rawValue: 1 << 5)

    // MARK: Features that set-up reports

    /// Linux 5.11: a time limit is an argument of entering; without it ppoll(2) waits for the ring.
    static let extendedArgument = Features(rawValue: 1 << 6)
    /// Linux 5.7: what would block waits for readiness, and not in a thread; without it we do that.
    static let fastPoll = Features(rawValue: 1 << 7)
    /// Linux 5.6: reading and writing at the descriptor's own position.
    static let currentPosition = Features(rawValue: 1 << 8)
    /// Linux 5.5: completions that find no room are kept.
    ///
    /// There is no doing without: turning it off is a way to be told that there is no io_uring.
    static let noDrop = Features(rawValue: 1 << 9)

    // MARK: Opcodes; without one we wait until the descriptor is ready, and make the call

    static let asyncCancel = Features(rawValue: 1 << 10)
    static let receive = Features(rawValue: 1 << 11)
    static let send = Features(rawValue: 1 << 12)
    static let receiveMessage = Features(rawValue: 1 << 13)
    static let sendMessage = Features(rawValue: 1 << 14)
    static let read = Features(rawValue: 1 << 15)
    static let write = Features(rawValue: 1 << 16)
    static let accept = Features(rawValue: 1 << 17)
    static let connect = Features(rawValue: 1 << 18)

    /// The operations that the kernel does from beginning to end.
    static let operations: Features = [
      .receive, .send, .receiveMessage, .sendMessage, .read, .write, .accept, .connect,
    ]

    // MARK: Features of what is read and written

    /// Linux 6.4: reading and writing a pipe in blocking mode does not take a thread, nor wait for
    /// room for everything.
    static let pipeNoWait = Features(rawValue: 1 << 19)

    /// Linux 5.13: a poll that tells of each change, and not that what stood still stands.
    static let pollMultishot = Features(rawValue: 1 << 20)

    // MARK: What is ours

    /// A wait may begin by looking at the ring's memory: see `SpinPolicy`.
    ///
    /// With one processor there is nobody who could change it meanwhile. How many this thread may
    /// use does not matter: who answers may be elsewhere.
    static let spinning = Features(rawValue: 1 << 21)

    static let all = Features(rawValue: (1 << 22) - 1)

    /// The names: those of the kernel, and one of ours.
    static let named: [(name: String, feature: Features)] = [
      ("single-issuer", .singleIssuer), ("defer-taskrun", .deferTaskrun),
      ("coop-taskrun", .coopTaskrun), ("taskrun-flag", .taskrunFlag), ("submit-all", .submitAll),
      ("cqsize", .completionQueueSize), ("ext-arg", .extendedArgument), ("fast-poll", .fastPoll),
      ("rw-cur-pos", .currentPosition), ("nodrop", .noDrop), ("async-cancel", .asyncCancel),
      ("recv", .receive), ("send", .send), ("recvmsg", .receiveMessage),
      ("sendmsg", .sendMessage), ("read", .read), ("write", .write), ("accept", .accept),
      ("connect", .connect), ("pipe-nowait", .pipeNoWait), ("poll-multishot", .pollMultishot),
      ("spin", .spinning),
    ]
  }

  // MARK: What depends on what

  extension Features {
    /// Without what is of no use, or would be refused, for want of something else.
    var consistent: Features {
      var rest = self
      // Deferred work wakes nobody who polls the ring, as we do without the argument.
      if !rest.isSuperset(of: [.singleIssuer, .extendedArgument]) { rest.remove(.deferTaskrun) }
      if rest.contains(.deferTaskrun) { rest.remove(.coopTaskrun) }
      if rest.isDisjoint(with: [.deferTaskrun, .coopTaskrun]) { rest.remove(.taskrunFlag) }
      // Where nothing in memory shows that there is something, looking is no use.
      if !rest.isSuperset(of: [.deferTaskrun, .taskrunFlag]) { rest.remove(.spinning) }
      if !rest.contains(.currentPosition) { rest.subtract([.read, .write]) }
      // An operation that can't be cancelled, or one that takes a thread, is worse than waiting
      // for readiness.
      if !rest.isSuperset(of: [.fastPoll, .asyncCancel]) { rest.subtract(.operations) }
      return rest
    }

    /// What to ask set-up for: all of it, then less and less, the newest given up first.
    var attempts: [Features] {
      var rest = self
      var attempts = [consistent]
      for newest: Features in [
        .deferTaskrun, .singleIssuer, [.coopTaskrun, .taskrunFlag], .submitAll,
        .completionQueueSize,
      ] {
        rest.subtract(newest)
        if attempts.last != rest.consistent { attempts.append(rest.consistent) }
      }
      return attempts
    }

    /// The flags that set-up is called with.
    var setUpFlags: UInt32 {
      var flags: UInt32 = 0
      if contains(.singleIssuer) { flags |= IORING_SETUP_SINGLE_ISSUER }
      if contains(.deferTaskrun) { flags |= IORING_SETUP_DEFER_TASKRUN }
      if contains(.coopTaskrun) { flags |= IORING_SETUP_COOP_TASKRUN }
      if contains(.taskrunFlag) { flags |= IORING_SETUP_TASKRUN_FLAG }
      if contains(.submitAll) { flags |= IORING_SETUP_SUBMIT_ALL }
      if contains(.completionQueueSize) { flags |= IORING_SETUP_CQSIZE }
      return flags
    }

    /// Whether the kernel may hold work back without a sign of it: then a poll has to ask.
    var hidesWork: Bool {
      !isDisjoint(with: [.deferTaskrun, .coopTaskrun]) && !contains(.taskrunFlag)
    }
  }

  // MARK: What a ring has

  extension Features {
    /// Without what set-up did not report.
    func reported(_ features: UInt32) -> Features {
      var rest = self
      if features & IORING_FEAT_EXT_ARG == 0 { rest.remove(.extendedArgument) }
      if features & IORING_FEAT_FAST_POLL == 0 { rest.remove(.fastPoll) }
      if features & IORING_FEAT_RW_CUR_POS == 0 { rest.remove(.currentPosition) }
      if features & IORING_FEAT_NODROP == 0 { rest.remove(.noDrop) }
      // Of the same version, and nothing else tells.
      if features & IORING_FEAT_RSRC_TAGS == 0 { rest.remove(.pollMultishot) }
      return rest
    }

    /// Without the opcodes that the ring does not know; a kernel that can't be asked (before 5.6,
    /// or in a sandbox) counts as knowing none.
    func supported(by ring: UnsafeMutablePointer<io_uring>) -> Features {
      let opcodes: [(Features, io_uring_op)] = [
        (.asyncCancel, IORING_OP_ASYNC_CANCEL), (.receive, IORING_OP_RECV),
        (.send, IORING_OP_SEND), (.receiveMessage, IORING_OP_RECVMSG),
        (.sendMessage, IORING_OP_SENDMSG), (.read, IORING_OP_READ), (.write, IORING_OP_WRITE),
        (.accept, IORING_OP_ACCEPT), (.connect, IORING_OP_CONNECT),
      ]
      let probe = io_uring_get_probe_ring(ring)
      defer { if let probe { io_uring_free_probe(probe) } }
      var rest = self
      for (feature, opcode) in opcodes {
        let isKnown = probe.map { io_uring_opcode_supported($0, CInt(opcode.rawValue)) != 0 }
        if isKnown != true { rest.remove(feature) }
      }
      if !Self.pipesKnowNoWait { rest.remove(.pipeNoWait) }
      if sysconf(CInt(_SC_NPROCESSORS_ONLN)) < 2 { rest.remove(.spinning) }
      return rest
    }

    /// Whether an empty pipe answers RWF_NOWAIT with EAGAIN; tried once a process.
    private static let pipesKnowNoWait: Bool = {
      var ends: [CInt] = [-1, -1]
      guard coro_pipe2(&ends, O_CLOEXEC) == 0 else { return false }
      defer { for end in ends { close(end) } }
      var byte: UInt8 = 0
      return coro_read_nowait(ends[0], &byte, 1) == -Int(EAGAIN)
    }()
  }

  extension KernelOperation.Kind {
    /// The opcode that does this operation.
    var opcode: Features {
      switch self {
      case .receive: .receive
      case .send: .send
      case .receiveMessage: .receiveMessage
      case .sendMessage: .sendMessage
      case .read: .read
      case .write: .write
      case .accept: .accept
      case .connect: .connect
      case .poll, .close, .forget, .introduce, .call: []
      }
    }
  }
#endif
