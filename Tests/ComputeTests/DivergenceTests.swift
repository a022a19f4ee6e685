import Compute
import Glibc
import TestSupport
import Testing

/// KL(teacher ‖ student) over a vocabulary that comes in parts, and its gradient in place.
@Suite struct DivergenceTests {
  @Test(arguments: Setup.all, CrossEntropyTests.shapes)
  func valueAndGradient(_ setup: Setup, shape: (tokens: Int, parts: [Int])) throws {
    var random = SeededGenerator(seed: 71)
    let bench = Workbench(setup)
    let vocabulary = shape.parts[shape.parts.count - 1]
    let (logits, teacher) = (
      random.table(shape.tokens, vocabulary, scale: 6), random.table(shape.tokens, vocabulary, scale: 6)
    )
    let isCounted = (0..<shape.tokens).map { $0 % 3 != 1 }
    let (student, taught) = (try bench.matrix(logits), try bench.matrix(teacher))
    func logSumExp(_ table: Table) -> [Float] { (0..<table.rows).map { Float(Formula.logSumExp(table.row($0))) } }

    var divergences = [Double](repeating: 0, count: shape.tokens)
    for range in zip(shape.parts, shape.parts.dropFirst()).map({ $0..<$1 }) {
      let part = bench.backend.divergenceGradient(
        logits: student.columns(range), teacher: taught.columns(range), isCounted: isCounted,
        logSumExp: logSumExp(logits), teacherLogSumExp: logSumExp(teacher), scale: 0.25)
      for (token, value) in part.enumerated() { divergences[token] += Double(value) }
    }
    for token in 0..<shape.tokens {
      let expected = isCounted[token] ? Self.divergence(teacher.row(token), logits.row(token)) : 0
      #expect(abs(divergences[token] - expected) < 1e-5 * max(1, expected))
    }
    let distance = bench.gradientDistance(student, at: logits, samples: 200) { logits in
      (0..<shape.tokens).filter { isCounted[$0] }
        .reduce(0) { $0 + 0.25 * Self.divergence(teacher.row($1), logits.row($1)) }
    }
    #expect(distance < 1e-5)
    for (token, counts) in isCounted.enumerated() where !counts {
      #expect(bench.backend.floats(student.rows(token..<token + 1)).allSatisfy { $0 == 0 })
    }
    #expect(bench.bordersAreIntact)
  }

  /// A student that is its teacher: nothing to learn.
  @Test(arguments: Setup.all) func noDivergenceFromItself(_ setup: Setup) throws {
    var random = SeededGenerator(seed: 72)
    let bench = Workbench(setup)
    let table = random.table(5, 300, scale: 20)
    let logSumExp = (0..<5).map { Float(Formula.logSumExp(table.row($0))) }
    let student = try bench.matrix(table)
    let divergences = bench.backend.divergenceGradient(
      logits: student, teacher: try bench.matrix(table), isCounted: Array(repeating: true, count: 5),
      logSumExp: logSumExp, teacherLogSumExp: logSumExp, scale: 1)
    #expect(divergences.allSatisfy { $0 == 0 })
    #expect(bench.backend.floats(student).allSatisfy { $0 == 0 })
  }

  private static func divergence(_ teacher: [Double], _ student: [Double]) -> Double {
    let (t, s) = (Formula.logSumExp(teacher), Formula.logSumExp(student))
    return zip(teacher, student).reduce(0) { $0 + exp($1.0 - t) * (($1.0 - t) - ($1.1 - s)) }
  }
}
