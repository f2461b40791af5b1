import Coroutines
@preconcurrency import Glibc

/// What `COROUTINE_EXCLUSIVITY` changes.
class ReportedCell {
  // Every access to a property of a class that is not final is checked at run time.
  var value = 0
}

/// Modifies the cell, and calls `body` while it does.
@inline(never)
func modifyReportedCell(_ cell: ReportedCell, _ body: () throws -> Void) rethrows {
  func modify(_ value: inout Int) throws {
    value += 1
    try body()
    value += 1
  }
  try? modify(&cell.value)
}

let exclusivityPrograms: [String: @Sendable () throws -> Void] = [
  "exclusivity-overlap": {
    // While one coroutine waits in a modification, another modifies the same.
    let cell = ReportedCell()
    let coroutine = Coroutine { modifyReportedCell(cell) { try? Coroutine.sleep(0.001) } }
    coroutine.start()
    modifyReportedCell(cell) {}
    try coroutine.join()
    print("no trap")
  },
  "exclusivity-within": {
    let cell = ReportedCell()
    let coroutine = Coroutine {
      modifyReportedCell(cell) {
        try? Coroutine.sleep(0.001)
        modifyReportedCell(cell) {}
      }
    }
    coroutine.start()
    try coroutine.join()
    print("no trap")
  },
  "exclusivity-report": {
    let cell = ReportedCell()
    let (reader, writer) = try Coroutine.pipe()
    let worker = Coroutine(name: "worker") {
      for _ in 0..<3 {
        modifyReportedCell(cell) {
          var buffer = [0 as UInt8]
          _ = try? reader.read(into: &buffer)
        }
      }
    }
    worker.start()
    // A wait that no modification is open in; and then the worker's.
    try Coroutine.sleep(0.001)
    for _ in 0..<3 { try writer.writeAll("x") }
    try worker.join()
    print("ends")
  },
  "exclusivity-silence": {
    // Modifications, waits, and a call in a modification that need not wait.
    let cell = ReportedCell()
    let worker = Coroutine(name: "worker") {
      modifyReportedCell(cell) {}
      try Coroutine.sleep(0.001)
      modifyReportedCell(cell) {}
    }
    worker.start()
    try worker.join()
    modifyReportedCell(cell) { try? worker.join() }
    print("ends")
  },
]
