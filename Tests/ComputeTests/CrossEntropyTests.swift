import Compute
import Glibc
import TestSupport
import Testing

/// Cross-entropy over a vocabulary that comes in parts, and its gradient in place.
@Suite struct CrossEntropyTests {
  /// Tokens, and the boundaries between the vocabulary's parts.
  static let shapes: [(tokens: Int, parts: [Int])] = [
    (1, [0, 1]), (1, [0, 5]), (4, [0, 10, 11, 37]), (9, [0, 16, 32]), (3, [0, 300, 557]), (129, [0, 7]),
  ]

  /// Targets spread over the vocabulary; every third row after the first has none.
  static func targets(_ tokens: Int, _ vocabulary: Int) -> [Int32] {
    (0..<tokens).map { $0 % 3 == 1 ? -1 : Int32(($0 * 7 + vocabulary - 1) % vocabulary) }
  }

  @Test(arguments: Setup.all, shapes)
  func lossAndGradient(_ setup: Setup, shape: (tokens: Int, parts: [Int])) throws {
    var random = SeededGenerator(seed: 61)
    let bench = Workbench(setup)
    let vocabulary = shape.parts[shape.parts.count - 1]
    let logits = random.table(shape.tokens, vocabulary, scale: 8)
    let targets = Self.targets(shape.tokens, vocabulary)
    let scale = 0.375
    let ranges = zip(shape.parts, shape.parts.dropFirst()).map { $0..<$1 }
    // All parts are views of one matrix, as wide as the vocabulary.
    let stored = try bench.matrix(logits)

    var state = CrossEntropyState(tokens: shape.tokens)
    for range in ranges {
      bench.backend.accumulateCrossEntropy(
        logits: stored.columns(range), firstColumn: range.lowerBound, targets: targets, state: &state)
    }
    let logarithms = state.logSumExp
    var loss = 0.0
    for (i, target) in targets.enumerated() {
      #expect(abs(Double(logarithms[i]) - Formula.logSumExp(logits.row(i))) < 2e-6)
      if target >= 0 {
        #expect(Double(state.targetLogits[i]) == logits[i, Int(target)])
        loss += scale * Double(logarithms[i] - state.targetLogits[i])
      }
    }
    #expect(abs(loss - Formula.crossEntropy(logits, targets: targets, scale: scale)) < 2e-6 * max(1, loss))

    for range in ranges {
      bench.backend.crossEntropyGradient(
        logits: stored.columns(range), firstColumn: range.lowerBound, targets: targets, logSumExp: logarithms,
        scale: Float(scale))
    }
    let distance = bench.gradientDistance(stored, at: logits, samples: 200) {
      Formula.crossEntropy($0, targets: targets, scale: scale)
    }
    #expect(distance < 3e-6)
    for (i, target) in targets.enumerated() where target < 0 {
      #expect(bench.backend.floats(stored.rows(i..<i + 1)).allSatisfy { $0 == 0 })
    }
    #expect(bench.bordersAreIntact)
  }

  /// Rows whose exponentials overflow, vanish, or are all equal.
  @Test(arguments: Setup.all) func extremeLogits(_ setup: Setup) throws {
    let bench = Workbench(setup)
    var rows: [[Double]] = []
    for level in [0.0, 80, -80, 200, -200, 1e30, -1e30] {
      let level = Double(Float(level))
      rows.append(Array(repeating: level, count: 19))
      rows.append((0..<19).map { $0 == 4 ? level : 0 })
      rows.append((0..<19).map { $0 % 2 == 0 ? level : -level })
    }
    let logits = Table(rows.count, 19, rows.flatMap { $0 })
    let targets = Array(repeating: Int32(4), count: rows.count)
    let stored = try bench.matrix(logits)
    var state = CrossEntropyState(tokens: rows.count)
    for range in [0..<4, 4..<5, 5..<19] {
      bench.backend.accumulateCrossEntropy(
        logits: stored.columns(range), firstColumn: range.lowerBound, targets: targets, state: &state)
    }
    let logarithms = state.logSumExp
    bench.backend.crossEntropyGradient(
      logits: stored, firstColumn: 0, targets: targets, logSumExp: logarithms, scale: 1)
    let gradient = bench.backend.floats(stored)
    for (i, row) in rows.enumerated() {
      let expected = Formula.logSumExp(row)
      #expect(abs(Double(logarithms[i]) - expected) <= 1e-6 * max(1, abs(expected)), "row \(row)")
      for j in 0..<19 where abs(row[4]) < 1e6 {
        let probability = exp(row[j] - expected) - (j == 4 ? 1 : 0)
        #expect(abs(Double(gradient[i * 19 + j]) - probability) < 2e-5, "row \(row), column \(j)")
      }
      #expect(gradient[i * 19..<(i + 1) * 19].allSatisfy { $0.isFinite && abs($0) <= 1 })
    }
  }

  /// Parts that are matrices of their own, in any order, and a part of no columns: all the same. Targets stand at the
  /// parts' edges.
  @Test(arguments: TestedBackend.allCases) func partsInAnyOrder(_ tested: TestedBackend) throws {
    var random = SeededGenerator(seed: 62)
    let backend = tested.make()
    let table = random.table(4, 40, scale: 30)
    let targets: [Int32] = [39, -1, 20, 19]
    for order in [[0..<40], [20..<40, 0..<20], [39..<40, 5..<5, 0..<39]] {
      var state = CrossEntropyState(tokens: 4)
      for range in order {
        let part = Table(4, range.count) { table[$0, range.lowerBound + $1] }
        backend.accumulateCrossEntropy(
          logits: try backend.makeMatrix(4, range.count, values: part.floats), firstColumn: range.lowerBound,
          targets: targets, state: &state)
      }
      for (i, logarithm) in state.logSumExp.enumerated() {
        #expect(abs(Double(logarithm) - Formula.logSumExp(table.row(i))) < 3e-6)
      }
      #expect(state.targetLogits == [Float(table[0, 39]), 0, Float(table[2, 20]), Float(table[3, 19])])
    }
  }
}
