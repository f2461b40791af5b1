import CoroutineAPI
import Testing

extension Conformance {
  /// Swift's dynamic checks of exclusive access: an access that a suspended coroutine has open does
  /// not disturb the others.
  @Suite struct Exclusivity {
    final class Cell {
      // Every access to a property of a class that is not final is checked at run time.
      var value = 0
      var other = 0
      var list: [Int] = []
    }

    /// Modifies `value`, and suspends while it does.
    static func add(_ amount: Int, to value: inout Int, turns: Int = 1) throws {
      for _ in 0..<turns { try Coroutine.sleep() }
      value += amount
    }

    @Test(arguments: BackendUnderTest.selected)
    func `two suspended modifications of different variables end in any order`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let cells = (0..<2).map { _ in Cell() }
        // The first to begin is the first to end, and then the last to begin.
        for turns in [[1, 2], [2, 1]] {
          let coroutines = (0..<2).map { number in
            Coroutine { try Self.add(1, to: &cells[number].value, turns: turns[number]) }
          }
          for coroutine in coroutines { coroutine.start() }
          for coroutine in coroutines { try coroutine.join() }
        }
        #expect(cells.map(\.value) == [2, 2])
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `the main coroutine modifies while another is suspended in a modification`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let cell = Cell()
        let mine = Cell()
        let coroutine = Coroutine { try Self.add(5, to: &cell.value, turns: 3) }
        coroutine.start()
        for _ in 0..<10 { mine.value += 1 }
        try Self.add(1, to: &mine.value, turns: 1)
        cell.other += 1
        try coroutine.join()
        #expect(mine.value == 11)
        #expect(cell.value == 5)
        #expect(cell.other == 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a modification may overlap another coroutine's suspended one`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let cell = Cell()
        let coroutine = Coroutine { try Self.add(1, to: &cell.value) }
        coroutine.start()
        // With one list for all coroutines the check would see a conflict and end the process.
        cell.value = 7
        try coroutine.join()
        #expect(cell.value >= 1)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a captured variable is modified across a suspension`(on backend: BackendUnderTest) throws
    {
      try backend.run {
        var mine = 0
        var yours = 0
        let first = Coroutine { try Self.add(1, to: &mine, turns: 2) }
        let second = Coroutine { try Self.add(2, to: &yours, turns: 1) }
        first.start()
        second.start()
        try first.join()
        try second.join()
        #expect(mine == 1)
        #expect(yours == 2)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `two thousand are suspended inside modifications`(on backend: BackendUnderTest) throws {
      try backend.run {
        let count = 2000
        let cells = (0..<count).map { _ in Cell() }
        let coroutines = (0..<count).map { number in
          // The ends come in another order than the beginnings.
          Coroutine { try Self.add(number, to: &cells[number].value, turns: 1 + number * 7 % 5) }
        }
        for coroutine in coroutines { coroutine.start() }
        let mine = Cell()
        for number in 0..<1000 { mine.value += number }
        for coroutine in coroutines { try coroutine.join() }
        #expect(cells.enumerated().allSatisfy { $0.offset == $0.element.value })
        #expect(mine.value == 499_500)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `nested modifications are open across a switch`(on backend: BackendUnderTest) throws {
      func modify(_ cells: ArraySlice<Cell>) throws {
        guard let cell = cells.first else { return try Coroutine.sleep() }
        func inside(_ value: inout Int) throws {
          try modify(cells.dropFirst())
          value += 1
        }
        try inside(&cell.value)
      }
      try backend.run {
        let groups = (0..<10).map { _ in (0..<8).map { _ in Cell() } }
        let coroutines = groups.map { cells in Coroutine { try modify(cells[...]) } }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(groups.allSatisfy { $0.allSatisfy { $0.value == 1 } })
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an error ends a modification that was suspended`(on backend: BackendUnderTest) throws {
      struct Failure: Error {}
      func fail(_ value: inout Int) throws {
        value += 1
        try Coroutine.sleep()
        throw Failure()
      }
      try backend.run {
        Coroutine.uncaughtErrorHook = { _, _ in }
        let cell = Cell()
        let other = Cell()
        let coroutines = [cell, other].map { cell in Coroutine { try fail(&cell.value) } }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        // Would trap if the access were still open.
        cell.value += 1
        other.value += 1
        #expect(cell.value == 2)
        #expect(other.value == 2)
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `a buffer in a class is read into while others run`(on backend: BackendUnderTest) throws {
      final class Connection {
        var buffer = [UInt8](repeating: 0, count: 16)
        var count = 0
      }
      try backend.run {
        let pipes = try (0..<20).map { _ in try Coroutine.pipe() }
        let connections = pipes.map { _ in Connection() }
        let readers = zip(connections, pipes).map { connection, pipe in
          Coroutine {
            connection.count = try pipe.reader.read(into: &connection.buffer)
          }
        }
        for reader in readers { reader.start() }
        for (number, pipe) in pipes.enumerated().reversed() {
          try pipe.writer.writeAll([UInt8](repeating: UInt8(number), count: number % 16 + 1))
          try Coroutine.sleep()
        }
        for reader in readers { try reader.join() }
        for (number, connection) in connections.enumerated() {
          #expect(connection.count == number % 16 + 1)
          #expect(connection.buffer.first == UInt8(number))
        }
      }
    }

    @Test(arguments: BackendUnderTest.selected)
    func `an array's closure suspends while other arrays change`(
      on backend: BackendUnderTest
    ) throws {
      try backend.run {
        let cells = (0..<3).map { _ in Cell() }
        for cell in cells { cell.list = [3, 1, 2] }
        let coroutines = cells.map { cell in
          Coroutine {
            try cell.list.withUnsafeMutableBufferPointer { elements in
              for index in elements.indices {
                elements[index] *= 10
                try Coroutine.sleep()
              }
            }
            cell.list.sort()
          }
        }
        for coroutine in coroutines { coroutine.start() }
        for coroutine in coroutines { try coroutine.join() }
        #expect(cells.allSatisfy { $0.list == [10, 20, 30] })
      }
    }
  }
}
