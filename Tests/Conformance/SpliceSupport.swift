import CoroutineAPI

/// Two pipes, of which what comes out of the first one is spliced into the second one.
struct Chain {
  let input: (reader: PipeEnd, writer: PipeEnd)
  let output: (reader: PipeEnd, writer: PipeEnd)

  init(_ mode: PipeFlags = []) throws {
    input = try Coroutine.pipe([.closeOnExec, mode])
    output = try Coroutine.pipe([.closeOnExec, mode])
  }

  func splice(_ count: Int = 65_536, timeout: Duration? = nil) throws(CoroutineError) -> Int {
    try input.reader.splice(to: output.writer, count: count, timeout: timeout)
  }
}
