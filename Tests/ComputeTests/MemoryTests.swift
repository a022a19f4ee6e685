import Compute
import TestSupport
import Testing

/// Matrices, their views, and the memory below.
@Suite struct MemoryTests {
  static let shapes = [(1, 1), (1, 5), (7, 1), (3, 300), (129, 33), (0, 4), (4, 0)]

  @Test(arguments: TestedBackend.allCases, shapes)
  func newMatricesAreZero(_ tested: TestedBackend, shape: (Int, Int)) throws {
    let backend = tested.make()
    for _ in 0..<3 {
      let matrix = try backend.makeMatrix(shape.0, shape.1)
      #expect(matrix.rows == shape.0 && matrix.columns == shape.1 && matrix.isDense)
      #expect(backend.floats(matrix) == Array(repeating: 0, count: shape.0 * shape.1))
      // Left dirty for the next round, which is given the same memory.
      backend.fill(matrix, with: .nan)
    }
    let other = try backend.makeMatrix(like: try backend.makeMatrix(shape.0, shape.1))
    #expect(other.rows == shape.0 && other.columns == shape.1)
  }

  /// Dirty memory of a slightly larger buffer is reused, and cleared as far as the new matrix goes.
  @Test(arguments: TestedBackend.allCases) func reusedMemoryIsCleared(_ tested: TestedBackend) throws {
    guard let backend = tested.make() as? any HostBackend else { return }
    var addresses: Set<Int> = []
    for count in [1000, 970, 1024, 961] {
      let matrix = try backend.makeMatrix(1, count)
      addresses.insert(unsafe Int(bitPattern: matrix.pointer))
      #expect(backend.floats(matrix).allSatisfy { $0 == 0 })
      backend.fill(matrix, with: 9)
    }
    #expect(addresses.count == 1, "one size class, one buffer")
    #expect(addresses.allSatisfy { $0 % 64 == 0 }, "aligned to cache lines")
  }

  @Test(arguments: TestedBackend.allCases) func viewsShareMemory(_ tested: TestedBackend) throws {
    let backend = tested.make()
    let matrix = try backend.makeMatrix(4, 6, values: (0..<24).map { Float($0) })
    let view = matrix.rows(1..<3).columns(2..<5)
    #expect(view.rows == 2 && view.columns == 3 && view.stride == 6 && view.count == 6 && !view.isDense)
    #expect(backend.floats(view) == [8, 9, 10, 14, 15, 16])
    // The same place, reached the other way round.
    #expect(backend.floats(matrix.columns(2..<5).rows(1..<3)) == backend.floats(view))
    #expect(matrix.rows(2..<3).columns(1..<4).isDense, "one row has no gaps")

    backend.write([-1, -2, -3, -4, -5, -6].span, into: view)
    var expected = (0..<24).map { Float($0) }
    for (index, place) in [8, 9, 10, 14, 15, 16].enumerated() { expected[place] = -Float(index + 1) }
    #expect(backend.floats(matrix) == expected)
    backend.fill(view.columns(1..<2), with: 50)
    (expected[9], expected[15]) = (50, 50)
    #expect(backend.floats(matrix) == expected)
    #expect(backend.floats(matrix.rows(2..<2)).isEmpty && backend.floats(matrix.columns(6..<6)).isEmpty)
  }

  @Test(arguments: Setup.all, shapes)
  func readsWhatWasWritten(_ setup: Setup, shape: (Int, Int)) throws {
    var random = SeededGenerator(seed: 81)
    let bench = Workbench(setup)
    let table = random.table(shape.0, shape.1)
    #expect(bench.backend.floats(try bench.matrix(table)) == table.floats)
    #expect(bench.bordersAreIntact)
  }

  /// A buffer lives as long as its last view, then its bytes are free again.
  @Test(arguments: TestedBackend.allCases) func bytesInUse(_ tested: TestedBackend) throws {
    guard let backend = tested.make() as? any HostBackend else { return }
    let pool = backend.pool
    #expect(pool.bytesInUse == 0 && pool.peakBytes == 0)
    var (first, second): (Matrix?, Matrix?) = (try backend.makeMatrix(100, 100), try backend.makeMatrix(300, 100))
    let both = pool.bytesInUse
    #expect(both >= 160_000 && both <= 160_000 * 9 / 8 && pool.peakBytes == both)
    var view = first?.rows(3..<5)
    #expect(view?.count == 200)
    first = nil
    #expect(pool.bytesInUse == both)
    view = nil
    #expect(pool.bytesInUse >= 120_000 && pool.bytesInUse < both)
    second = nil
    #expect(pool.bytesInUse == 0 && pool.peakBytes == both)
    pool.trim()
    #expect(pool.bytesInUse == 0 && pool.peakBytes == both)
    #expect(first == nil && second == nil && view == nil)
    #expect(backend.floats(try backend.makeMatrix(100, 100)).allSatisfy { $0 == 0 })
  }

  /// A phase's peak begins with what is in use when it begins.
  @Test func peaksOfPhases() throws {
    let backend = TestedBackend.cpu.make()
    let held = try backend.makeMatrix(64, 64)
    try inOwnScope { _ = try backend.makeMatrix(512, 64) }
    #expect(backend.takePeakBytes() == (64 + 512) * 64 * 4)
    #expect(backend.takePeakBytes() == 64 * 64 * 4)
    try inOwnScope { _ = try backend.makeMatrix(128, 64) }
    #expect(backend.takePeakBytes() == (64 + 128) * 64 * 4)
    withExtendedLifetime(held) {}
  }

  /// A matrix that is to be overwritten may have any numbers at first; a copy has the original's, without its gaps.
  @Test(arguments: TestedBackend.allCases) func overwrittenAndCopied(_ tested: TestedBackend) throws {
    let backend = tested.make()
    let numbers = (0..<24).map { Float($0) }
    let matrix = try backend.makeMatrix(4, 6, isZeroed: false)
    backend.write(numbers.span, into: matrix)
    #expect(backend.floats(matrix) == numbers)
    let view = matrix.rows(1..<3).columns(2..<5)
    let copy = try backend.copy(view)
    #expect(copy.isDense && backend.floats(copy) == [8, 9, 10, 14, 15, 16])
    backend.fill(matrix, with: 1)
    #expect(backend.floats(copy) == [8, 9, 10, 14, 15, 16])
  }

  /// What operations take for themselves is given back.
  @Test(arguments: TestedBackend.allCases) func scratchIsGivenBack(_ tested: TestedBackend) throws {
    guard let backend = tested.make() as? any HostBackend else { return }
    try inOwnScope {
      let shape = AttentionCase(lengths: [140, 3], queryHeads: 2, keyValueHeads: 1, width: 4, isCausal: true)
      let operand = try backend.makeMatrix(143, 8)
      let (key, value) = (try backend.makeMatrix(143, 4), try backend.makeMatrix(143, 4))
      let (output, logarithms) = (try backend.makeMatrix(143, 8), try backend.makeMatrix(143, 2))
      let held = backend.pool.bytesInUse
      try backend.attention(
        query: operand, key: key, value: value, layout: shape.layout, geometry: shape.geometry, into: output,
        logSumExp: logarithms)
      #expect(backend.pool.bytesInUse == held)
      withExtendedLifetime((operand, key, value, output, logarithms)) {}
    }
    #expect(backend.pool.bytesInUse == 0 && backend.pool.peakBytes > 0)
  }

  /// Attention takes no more for itself when sequences grow: its tiles have one size.
  /// In a process of its own, because OpenBLAS's number of threads is the process's.
  @Test func attentionOfLongerSequences() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 3] { try Self.checkScratch(threads: threads) }
    }
  }

  private static func checkScratch(threads: Int) throws {
    let scratch = try [4096, 8192].map { tokens in
      guard let backend = TestedBackend.cpu.make(threads: threads) as? any HostBackend else { return 0 }
      let shape = AttentionCase(lengths: [tokens], queryHeads: 4, keyValueHeads: 2, width: 2, isCausal: true)
      let wide = try (0..<4).map { _ in try backend.makeMatrix(tokens, 8) }
      let narrow = try (0..<4).map { _ in try backend.makeMatrix(tokens, 4) }
      let logarithms = try backend.makeMatrix(tokens, 4)
      let held = backend.pool.bytesInUse
      try backend.attention(
        query: wide[0], key: narrow[0], value: narrow[1], layout: shape.layout, geometry: shape.geometry,
        into: wide[1], logSumExp: logarithms)
      try backend.attentionBackward(
        wide[2], query: wide[0], key: narrow[0], value: narrow[1], output: wide[1], logSumExp: logarithms,
        layout: shape.layout, geometry: shape.geometry, dQuery: wide[3], dKey: narrow[2], dValue: narrow[3])
      return backend.pool.peakBytes - held
    }
    #expect(scratch[0] == scratch[1] && scratch[0] > 0 && scratch[0] < threads * 2 << 20)
  }

  /// Sizes that no machine has, or that do not fit a number, are an error of one line, not a crash.
  @Test(arguments: TestedBackend.allCases, [(Int.max, 2), (1 << 32, 1 << 32), (1 << 40, 1 << 19), (1, Int.max)])
  func tooLarge(_ tested: TestedBackend, shape: (Int, Int)) throws {
    let backend = tested.make()
    let error = #expect(throws: ComputeError.self) { try backend.makeMatrix(shape.0, shape.1) }
    #expect(error.map { !$0.description.isEmpty && !$0.description.contains("\n") } == true)
    #expect(backend.floats(try backend.makeMatrix(1, 1)) == [0], "the backend goes on")
  }

  /// Runs `body` in a scope of its own, so that what it made is gone afterwards.
  private func inOwnScope(_ body: () throws -> Void) rethrows { try body() }
}
