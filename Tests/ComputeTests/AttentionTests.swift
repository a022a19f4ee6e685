import Compute
import TestSupport
import Testing

/// Attention against its definition, within sequences, with and without a causal mask and a sliding window, with
/// grouped heads.
@Suite struct AttentionTests {
  static let cases: [AttentionCase] = [
    AttentionCase.small, AttentionCase.smallWindows, AttentionCase.long, AttentionCase.longWindows,
    AttentionCase.longKeys,
  ].flatMap { $0 }

  @Test(arguments: Setup.all, cases)
  func forward(_ setup: Setup, shape: AttentionCase) throws {
    let run = try AttentionRun(shape, setup)
    let expected = Formula.attention(run.query, run.key, run.value, layout: shape.layout, geometry: shape.geometry)
    #expect(run.bench.distance(run.output, expected.output) < 2e-6)
    #expect(run.bench.distance(run.logSumExp, expected.logSumExp) < 1e-6)
    #expect(run.bench.bordersAreIntact)
  }

  /// A token alone reads itself, whatever its score.
  @Test(arguments: Setup.all, [false, true]) func aloneTokensReadThemselves(_ setup: Setup, isCausal: Bool) throws {
    let shape = AttentionCase(lengths: [1, 1, 1], queryHeads: 2, keyValueHeads: 1, width: 4, isCausal: isCausal)
    let run = try AttentionRun(shape, setup)
    let twice = Table(3, 8) { run.value[$0, $1 % 4] }
    #expect(run.bench.distance(run.output, twice) < 1e-7)
  }

  /// A window that no sequence fills changes nothing, to the bit; one that is filled does.
  @Test(arguments: TestedBackend.allCases) func widestWindow(_ tested: TestedBackend) throws {
    let results = try [nil, Int.max, 200, 199].map { window in
      let run = try AttentionRun(
        AttentionCase(
          lengths: [200, 7], queryHeads: 4, keyValueHeads: 2, width: 3, isCausal: true, slidingWindow: window),
        Setup(tested: tested, usesViews: false))
      return run.bench.backend.floats(run.output)
    }
    #expect(results[1] == results[0] && results[2] == results[0] && results[3] != results[0])
    #expect(results[3][..<(199 * 12)] == results[0][..<(199 * 12)], "only the last token of the longer one saw 200")
  }

  /// A last token of 1e30 changes nothing before it under a causal mask, though it shares their tile.
  @Test(arguments: TestedBackend.allCases) func laterTokensAreNotSeen(_ tested: TestedBackend) throws {
    let geometry = AttentionGeometry(queryHeads: 1, keyValueHeads: 1, headWidth: 4, scale: 0.5, isCausal: true)
    let backend = tested.make()
    var random = SeededGenerator(seed: 32)
    var tables = (0..<3).map { _ in random.table(140, 4) }
    var results: [[Float]] = []
    for round in 0..<2 {
      if round == 1 { for index in 1..<3 { for j in 0..<4 { tables[index][139, j] = 1e30 } } }
      let operands = try tables.map { try backend.makeMatrix(140, 4, values: $0.floats) }
      let (output, logSumExp) = (try backend.makeMatrix(140, 4), try backend.makeMatrix(140, 1))
      try backend.attention(
        query: operands[0], key: operands[1], value: operands[2], layout: SequenceLayout(lengths: [140]),
        geometry: geometry, into: output, logSumExp: logSumExp)
      results.append(backend.floats(output.rows(0..<139)))
    }
    #expect(relativeError(results[1], results[0]) < 1e-6)
  }

  /// Scores of hundreds: the softmax is nearly one-hot, logarithms are exact to float32, nothing overflows.
  @Test(arguments: Setup.all, [80.0, 200, 1000])
  func extremeScores(_ setup: Setup, scale: Double) throws {
    for isCausal in [false, true] {
      let shape = AttentionCase(lengths: [6, 131], queryHeads: 2, keyValueHeads: 2, width: 3, isCausal: isCausal)
      let run = try AttentionRun(shape, setup, queryScale: scale)
      let expected = Formula.attention(run.query, run.key, run.value, layout: shape.layout, geometry: shape.geometry)
      // A float32 score of size s is off by up to s · 6e-8, and so is, relatively, its exponential.
      #expect(run.bench.distance(run.output, expected.output) < 1e-6 + scale * 1e-7)
      #expect(run.bench.distance(run.logSumExp, expected.logSumExp) < 1e-6)
    }
  }

  /// Equal scores, however large, give the mean of the values.
  @Test(arguments: TestedBackend.allCases, [0, 80, -200, 1e30, -1e30])
  func equalScoresGiveTheMean(_ tested: TestedBackend, score: Float) throws {
    let backend = tested.make()
    let tokens = 129
    var random = SeededGenerator(seed: 33)
    let v = random.table(tokens, 1)
    let query = try backend.makeMatrix(tokens, 1, values: Array(repeating: score, count: tokens))
    let key = try backend.makeMatrix(tokens, 1, values: Array(repeating: 1, count: tokens))
    let value = try backend.makeMatrix(tokens, 1, values: v.floats)
    let (output, logSumExp) = (try backend.makeMatrix(tokens, 1), try backend.makeMatrix(tokens, 1))
    try backend.attention(
      query: query, key: key, value: value, layout: SequenceLayout(lengths: [tokens]),
      geometry: AttentionGeometry(queryHeads: 1, keyValueHeads: 1, headWidth: 1, scale: 1, isCausal: false),
      into: output, logSumExp: logSumExp)
    let mean = v.values.reduce(0, +) / Double(tokens)
    #expect(backend.floats(output).allSatisfy { abs(Double($0) - mean) < 1e-6 })
    let logarithm = Formula.logSumExp(Array(repeating: Double(score), count: tokens))
    for value in backend.floats(logSumExp) {
      #expect(abs(Double(value) - logarithm) <= 1e-6 * max(1, abs(logarithm)))
    }
  }
}
