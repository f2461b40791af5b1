import Coroutines
import Foundation
import Synchronization
import Testing

/// Sockets with Python at the other end: what we send is what it receives, and the other way round.
@Suite(.enabled(if: PythonPeer.path != nil)) struct PythonPeers {
  static var choices: [String] { Programs.backends }

  private func choice(_ name: String) -> BackendChoice {
    #if IOUring
      name == "epoll" ? .epoll : .ioUring
    #else
      .epoll
    #endif
  }

  /// Calls `body` with a listener, and a Python program that is told its abstract name.
  ///
  /// - Returns: What the program printed.
  private func meet(
    on backend: String, kind: Socket.Kind = .stream, _ script: String,
    _ body: (Socket, PythonPeer) throws -> Void
  ) throws -> [String] {
    try Coroutine.run(on: choice(backend)) {
      let name = "python-\(getpid())-\(count.add(1, ordering: .relaxed).newValue)"
      let listener = try Coroutine.socket(.unix, kind)
      try listener.bind(to: .unix(abstract: name))
      if kind != .datagram { try listener.listen() }
      let python = try PythonPeer(script, name)
      try body(listener, python)
      return python.finish()
    }
  }

  // MARK: Descriptors and credentials

  @Test(arguments: choices)
  func `a descriptor that Python sends is received`(backend: String) throws {
    let output = try meet(
      on: backend,
      """
      s = connect(sys.argv[1])
      r, w = os.pipe()
      socket.send_fds(s, [b"he", b"llo"], [r, w])
      os.write(w, b"through the pipe")
      s.recv(1)
      """
    ) { listener, python in
      let peer = try listener.accept(timeout: .seconds(30))
      #expect(try peer.option(.peerCredentials).processID == python.processID)
      var buffer = [UInt8](repeating: 0, count: 16)
      let message = try peer.receiveMessage(into: &buffer, timeout: .seconds(30))
      #expect(buffer[..<message.count] == ArraySlice("hello".utf8))
      #expect(message.descriptors.count == 2 && !message.isControlTruncated)
      let reader = BufferedReader(try PipeEnd(taking: message.descriptors[0]))
      #expect(try reader.readExactly(16, timeout: .seconds(30)) == Array("through the pipe".utf8))
    }
    #expect(output == [])
  }

  @Test(arguments: choices)
  func `a descriptor that we send is received by Python`(backend: String) throws {
    let output = try meet(
      on: backend,
      """
      s = connect(sys.argv[1])
      data, fds, flags, address = socket.recv_fds(s, 100, 4)
      print(data, len(fds), flags & socket.MSG_CTRUNC)
      os.write(fds[0], b"from Python")
      """
    ) { listener, _ in
      let peer = try listener.accept(timeout: .seconds(30))
      let (reader, writer) = try Coroutine.pipe()
      try peer.sendMessage(
        "take it", control: [.descriptors([writer.fileDescriptor, writer.fileDescriptor])])
      try writer.close()
      #expect(
        try BufferedReader(reader).readToEnd(timeout: .seconds(30)) == Array("from Python".utf8))
    }
    #expect(output == ["b'take it' 2 0"])
  }

  @Test(arguments: choices)
  func `more descriptors than there is room for are flagged`(backend: String) throws {
    let output = try meet(
      on: backend,
      """
      s = connect(sys.argv[1])
      r, w = os.pipe()
      socket.send_fds(s, [b"x"], [w] * 5)
      os.close(w)
      print(os.read(r, 1))
      """
    ) { listener, _ in
      let peer = try listener.accept(timeout: .seconds(30))
      var buffer = [UInt8](repeating: 0, count: 16)
      let space = Socket.ControlMessage.space(forDescriptors: 2)
      let message = try peer.receiveMessage(
        into: &buffer, controlCapacity: space, timeout: .seconds(30))
      #expect(message.isControlTruncated && message.descriptors.count == 2)
      // Python sees the end of its pipe once none of the five is open.
      for descriptor in message.descriptors { try descriptor.close() }
    }
    #expect(output == ["b''"])
  }

  @Test(arguments: choices)
  func `Python's credentials are told, and ours to it`(backend: String) throws {
    let output = try meet(
      on: backend,
      """
      s = connect(sys.argv[1])
      s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
      s.recv(1)
      s.sendall(b"x")
      data, control, flags, address = s.recvmsg(10, 1000)
      print(data, struct.unpack("iII", control[0][2])[0] == os.getppid())
      """
    ) { listener, python in
      let peer = try listener.accept(timeout: .seconds(30))
      try peer.setOption(.passCredentials, true)
      // What was sent before carries none.
      try peer.sendAll("!")
      var buffer = [UInt8](repeating: 0, count: 16)
      let message = try peer.receiveMessage(into: &buffer, timeout: .seconds(30))
      #expect(message.count == 1)
      #expect(message.credentials?.processID == python.processID)
      try peer.sendMessage("y", control: [.credentials(.own)])
    }
    #expect(output == ["b'y' True"])
  }

  // MARK: Records, names, urgent data

  @Test(arguments: choices)
  func `records keep their bounds between Python and us`(backend: String) throws {
    let output = try meet(
      on: backend, kind: .seqpacket,
      """
      s = connect(sys.argv[1], socket.SOCK_SEQPACKET)
      for record in (b"one", b"three", b"seventeen"): s.send(record)
      print(s.recvmsg(3)[0:3:2], s.recv(100), s.recv(100))
      """
    ) { listener, _ in
      let peer = try listener.accept(timeout: .seconds(30))
      var buffer = [UInt8](repeating: 0, count: 5)
      for (text, isCut) in [("one", false), ("three", false), ("seven", true)] {
        let message = try peer.receiveMessage(into: &buffer, timeout: .seconds(30))
        #expect(String(decoding: buffer[..<message.count], as: UTF8.self) == text)
        #expect(message.isTruncated == isCut)
      }
      try peer.sendAll("abcdef")
      try peer.sendAll("last")
      try peer.close()
    }
    #expect(output == ["(b'abc', 32) b'last' b''"])
  }

  @Test(arguments: choices)
  func `names with any bytes are the same for Python and us`(backend: String) throws {
    let output = try meet(
      on: backend,
      """
      s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
      s.bind(abstract(sys.argv[1]) + b"\\0\\xff\\0")
      s.settimeout(30)
      s.connect(abstract(sys.argv[1]))
      print(s.getpeername() == abstract(sys.argv[1]), s.recv(100).decode())
      """
    ) { listener, _ in
      let peer = try listener.accept(timeout: .seconds(30))
      let own = try #require(try listener.localAddress.abstractBytes)
      #expect(try peer.remoteAddress.abstractBytes == own + [0, 0xff, 0])
      try peer.sendAll("welcome")
    }
    #expect(output == ["True welcome"])
  }

  @Test(arguments: choices)
  func `a path of 108 bytes reaches Python whole`(backend: String) throws {
    var template = Array("/tmp/coroutines-XXXXXX".utf8CString)
    let directory = String(cString: try #require(mkdtemp(&template)))
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/" + String(repeating: "p", count: 107 - directory.utf8.count)
    #expect(path.utf8.count == 108)
    let output = try meet(
      on: backend, kind: .datagram,
      """
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      s.settimeout(30)
      s.bind("")
      s.sendto(s.getsockname(), abstract(sys.argv[1]))
      data, address = s.recvfrom(100)
      print(data, address)
      """
    ) { receiver, _ in
      var buffer = [UInt8](repeating: 0, count: 64)
      let (count, sender) = try receiver.receiveFrom(into: &buffer, timeout: .seconds(30))
      #expect([0] + (sender.abstractBytes ?? []) == Array(buffer[..<count]))
      let socket = try Coroutine.socket(.unix, .datagram)
      try socket.bind(to: .unix(path: path))
      try socket.send("hello", to: sender)
    }
    #expect(output == ["b'hello' \(path)"])
  }

  @Test(arguments: choices)
  func `urgent data go both ways`(backend: String) throws {
    try Coroutine.run(on: choice(backend)) {
      let listener = try Coroutine.createServer(at: .inet("127.0.0.1", port: 0))
      let port = try #require(try listener.localAddress.port)
      let python = try PythonPeer(
        """
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
        s.send(b"ab")
        s.send(b"!", socket.MSG_OOB)
        s.send(b"cd")
        select.select([], [], [s], 30)
        print(s.recv(1, socket.MSG_OOB), s.recv(100))
        """, "\(port)")
      let peer = try listener.accept(timeout: .seconds(30))
      var byte: InlineArray<1, UInt8> = [0]
      #expect(try peer.receive(into: &byte, flags: .outOfBand, timeout: .seconds(30)) == 1)
      #expect(byte[0] == UInt8(ascii: "!"))
      let reader = BufferedReader(peer)
      #expect(try reader.readExactly(4, timeout: .seconds(30)) == Array("abcd".utf8))
      try peer.sendAll("data")
      try peer.sendAll("?", flags: .outOfBand)
      #expect(python.finish() == ["b'?' b'data'"])
    }
  }

  // MARK: Streams

  @Test(arguments: choices)
  func `lines, half a close and a reset are what Python takes them for`(backend: String) throws {
    let output = try meet(
      on: backend,
      """
      s = connect(sys.argv[1])
      f = s.makefile("rwb")
      f.write(b"one\\r\\ntwo\\n" + b"x" * 100000 + b"\\nlast")
      f.flush()
      s.shutdown(socket.SHUT_WR)
      print(f.readline(), len(f.readline()), f.read())
      """
    ) { listener, _ in
      let peer = try listener.accept(timeout: .seconds(30))
      let (reader, writer) = (BufferedReader(peer), BufferedWriter(peer))
      var lengths: [Int] = []
      while let line = try reader.readLine(lengthMax: 100_000, timeout: .seconds(30)) {
        lengths.append(line.utf8.count)
      }
      #expect(lengths == [3, 3, 100_000, 4])
      try writer.write("first\n")
      try writer.write([UInt8](repeating: 0x79, count: 200_000), timeout: .seconds(30))
      try writer.write("\nrest")
      try writer.flush(timeout: .seconds(30))
      try peer.close()
    }
    #expect(output == ["b'first\\n' 200001 b'rest'"])
  }

  @Test(arguments: choices)
  func `a connection that is dropped is a reset for Python`(backend: String) throws {
    try Coroutine.run(on: choice(backend)) {
      let listener = try Coroutine.createServer(at: .inet6("::1", port: 0))
      let port = try #require(try listener.localAddress.port)
      let python = try PythonPeer(
        """
        s = socket.create_connection(("::1", int(sys.argv[1])), 30)
        s.sendall(b"ready")
        try:
          print(s.recv(1))
        except ConnectionResetError:
          print("reset")
        """, "\(port)")
      let peer = try listener.accept(timeout: .seconds(30))
      var buffer = [UInt8](repeating: 0, count: 5)
      #expect(try peer.receive(into: &buffer, flags: .waitAll, timeout: .seconds(30)) == 5)
      try peer.setOption(.linger, .zero)
      try peer.close()
      #expect(python.finish() == ["reset"])
    }
  }
}

/// Where the backends are required by name, Python is too.
@Test(.enabled(if: PythonPeer.isRequired)) func `Python is there to test against`() {
  #expect(PythonPeer.path != nil, "install python3: sockets are tested with it at the other end")
}

private let count = Atomic<Int>(0)
