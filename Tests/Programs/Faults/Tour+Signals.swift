import Coroutines
@preconcurrency import Glibc

extension Tour {
  func signals() {
    step("handler") {
      // What the signal does again if the library hears no more of it.
      Glibc.signal(SIGUSR1, SIG_IGN)
      var heard: [CInt] = []
      let before = try Coroutine.signal(SIGUSR1) { heard.append($0) }
      for count in 1...3 {
        kill(getpid(), SIGUSR1)
        // The next one would be merged with one that has not been heard.
        for _ in 0..<300 where heard.count < count {
          try Coroutine.sleep(for: .milliseconds(1))
        }
      }
      try Coroutine.signal(SIGUSR1, .ignore)
      kill(getpid(), SIGUSR1)
      try Coroutine.signal(SIGUSR1, before)
      return heard.allSatisfy { $0 == SIGUSR1 } ? "heard \(heard.count)" : "heard \(heard)"
    }
    step("broken-pipe") {
      let (reader, writer) = try Coroutine.pipe()
      defer { note { try writer.close() } }
      try reader.close()
      do {
        _ = try writer.write("nobody reads")
      } catch let error as CoroutineError where error.errno?.rawValue == EPIPE {
        return "EPIPE"
      }
      return "written"
    }
  }

  func stacks() {
    step("many") {
      var ended = 0
      let coroutines = (0..<40).map { _ in
        Coroutine {
          try Coroutine.sleep(for: .microseconds(100))
          ended += 1
        }
      }
      for coroutine in coroutines { coroutine.start() }
      for coroutine in coroutines { note { try coroutine.join() } }
      return "\(ended) ended"
    }
    step("own-size") {
      var depth = 0
      for _ in 0..<2 {
        let coroutine = Coroutine(stackSize: 1 << 20) { depth += descend(200) }
        coroutine.start()
        note { try coroutine.join() }
      }
      return "\(depth) deep"
    }
    step("deep") {
      var depth = 0
      let coroutine = Coroutine { depth = descend(100) }
      coroutine.start()
      note { try coroutine.join() }
      // The loop waits, and gives back the pages that were touched.
      try Coroutine.sleep(for: .milliseconds(1))
      return "\(depth) deep"
    }
  }
}

/// Recurses so often, with frames of a kilobyte.
private func descend(_ depth: Int) -> Int {
  var block = InlineArray<128, Int>(repeating: depth)
  withUnsafeMutableBytes(of: &block) { $0[depth % 1024] = 1 }
  return depth == 0 ? 0 : descend(depth - 1) + 1
}
