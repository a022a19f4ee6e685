import Compute
import TestSupport
import Testing

/// Attention of one token per sequence over cached keys and values, against attention over whole sequences.
@Suite struct AttentionStepTests {
  /// Every token as the newest one of a sequence that ends with it: what a causal mask lets it see.
  @Test(arguments: Setup.all, AttentionTests.cases.filter(\.isCausal))
  func equalsCausalAttention(_ setup: Setup, shape: AttentionCase) throws {
    let run = try AttentionRun(shape, setup)
    let sequences = (0..<shape.layout.count).map { shape.layout.rows(of: $0) }
    let output = try step(run, rows: sequences.flatMap { rows in rows.map { rows.lowerBound..<$0 + 1 } })
    let expected = Formula.attention(run.query, run.key, run.value, layout: shape.layout, geometry: shape.geometry)
    #expect(run.bench.distance(output, expected.output) < 2e-6)
    let whole = run.bench.backend.floats(run.output).map { Double($0) }
    #expect(run.bench.distance(output, Table(output.rows, output.columns, whole)) < 2e-6)
    #expect(run.bench.bordersAreIntact)
  }

  /// Without a causal mask a token sees all rows that its sequence has.
  @Test(arguments: Setup.all, AttentionCase.small.filter { !$0.isCausal })
  func equalsFullAttention(_ setup: Setup, shape: AttentionCase) throws {
    let run = try AttentionRun(shape, setup)
    let sequences = (0..<shape.layout.count).map { shape.layout.rows(of: $0) }
    let output = try step(run, rows: sequences.flatMap { rows in rows.map { _ in rows } })
    let expected = Formula.attention(run.query, run.key, run.value, layout: shape.layout, geometry: shape.geometry)
    #expect(run.bench.distance(output, expected.output) < 2e-6)
  }

  /// A cache has rows that nothing was written to yet: whatever is there, no sequence reads beyond its own, nor before its
  /// window.
  @Test(arguments: TestedBackend.allCases, [nil, 2]) func otherRowsAreNotRead(_ tested: TestedBackend, window: Int?)
    throws
  {
    let backend = tested.make()
    var random = SeededGenerator(seed: 34)
    let geometry = AttentionGeometry(
      queryHeads: 4, keyValueHeads: 2, headWidth: 3, scale: 0.5, isCausal: true, slidingWindow: window)
    let rows = [0..<3, 10..<14, 20..<21]
    let query = try backend.makeMatrix(3, 12, values: random.table(3, 12).floats)
    let (keys, values) = (random.table(30, 6), random.table(30, 6))
    func output(filledWith filler: Double) throws -> [Float] {
      let read = rows.flatMap { $0.suffix(window ?? .max) }
      let operands = try [keys, values].map { table in
        let changed = Table(30, 6) { read.contains($0) ? table[$0, $1] : filler }
        return try backend.makeMatrix(30, 6, values: changed.floats)
      }
      let output = try backend.makeMatrix(3, 12)
      try backend.attentionStep(
        query: query, keys: operands[0], values: operands[1], rows: rows, geometry: geometry, into: output)
      return backend.floats(output)
    }
    let expected = try output(filledWith: 0)
    #expect(expected.allSatisfy { $0 != 0 && $0.isFinite })
    #expect(try output(filledWith: .nan) == expected)
  }

  @Test(arguments: TestedBackend.allCases) func noSequences(_ tested: TestedBackend) throws {
    let backend = tested.make()
    let geometry = AttentionGeometry(queryHeads: 2, keyValueHeads: 1, headWidth: 4, scale: 1, isCausal: true)
    let (none, cache) = (try backend.makeMatrix(0, 8), try backend.makeMatrix(5, 4))
    try backend.attentionStep(query: none, keys: cache, values: cache, rows: [], geometry: geometry, into: none)
    #expect(backend.floats(cache).allSatisfy { $0 == 0 })
  }

  /// One query of the run for each of `rows`, over its keys and values.
  private func step(_ run: AttentionRun, rows: [Range<Int>]) throws -> Matrix {
    let output = try run.bench.result(rows.count, run.query.columns)
    try run.bench.backend.attentionStep(
      query: run.stored[0], keys: run.stored[1], values: run.stored[2], rows: rows, geometry: run.shape.geometry,
      into: output)
    return output
  }
}
