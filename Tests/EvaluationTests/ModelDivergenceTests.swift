internal import Checkpoints
import Architectures
import Artifacts
import Blueprints
import Evaluation
import Foundation
import ModelTestSupport
import Repacking
import TestSupport
import Testing

/// KL(dense ‖ pruned) against what the logits say, in double precision.
@Suite struct ModelDivergenceTests {
  static let lengths = [17, 5, 30, 1, 12]

  @Test(arguments: TestedBackend.allCases, [(1 << 16, 1 << 16), (16, 1 << 16), (40, 1), (8, 100)])
  func equalsTheLogits(backend: TestedBackend, tokens: (batch: Int, round: Int)) throws {
    let model = try Model(path: Fixtures.model("tiny-llama"))
    let sequences = randomSequences(lengths: Self.lengths, vocabularySize: 512, seed: 6)
    let plans = try [1, 2, 3].map { try PruningPlan.random(for: model.blueprint, seed: $0) }
    var run = EvaluationRun(model, backend)
    (run.batchTokens, run.roundTokens) = tokens
    let results = try run.divergences(sequences, plans: plans)
    #expect(results.count == 3)
    for (plan, result) in zip(plans, results) {
      let expected = try Self.divergence(of: plan, model, sequences)
      #expect(expected > 1e-3 && abs(result - expected) < 1e-4 * expected, "\(result), not \(expected)")
    }
  }

  /// A plan that keeps everything is the dense model, to the last bit.
  @Test(arguments: TestedBackend.allCases) func noDivergenceFromItself(backend: TestedBackend) throws {
    let model = try Model(path: Fixtures.model("tiny-llama-tied"))
    let all = model.blueprint.prunableLayers.map { layer in
      PruningPlan.Layer(attention: Array(0..<layer.attentionUnits), mlp: Array(0..<layer.mlpUnits))
    }
    let sequences = randomSequences(lengths: Self.lengths, vocabularySize: 512, seed: 6)
    let plans = [
      try PruningPlan.keeping(all, of: model.blueprint), try PruningPlan.random(for: model.blueprint, seed: 1),
    ]
    let results = try EvaluationRun(model, backend).divergences(sequences, plans: plans)
    #expect(results[0] == 0 && results[1] > 0)
    // Without text there is no mean.
    #expect(try EvaluationRun(model, backend).divergences([], plans: plans).allSatisfy(\.isNaN))
  }

  /// A vocabulary whose logits have to come in parts gives what it gives as a whole.
  @Test func vocabularyInParts() throws {
    let model = try RandomCheckpoint.model(["vocab_size": 131_072])
    let plan = try PruningPlan.random(for: model.blueprint, seed: 1)
    let sequences = randomSequences(
      lengths: Array(repeating: 60, count: 10), vocabularySize: 131_072, seed: 8)
    var run = EvaluationRun(model)
    // 600 tokens are over the 2²⁶ logits that exist at a time, 120 are not.
    run.batchTokens = 600
    let inParts = try run.divergences(sequences, plans: [plan])[0]
    run.batchTokens = 120
    let whole = try run.divergences(sequences, plans: [plan])[0]
    #expect(whole > 0 && abs(inParts - whole) < 1e-5 * whole, "\(inParts), not \(whole)")
  }

  /// The mean over all tokens of Σ p (log p − log q), from each model's own logits.
  private static func divergence(of plan: PruningPlan, _ model: Model, _ sequences: [[Int32]]) throws -> Double {
    let reference = TestedBackend.reference.make()
    let dense = try model.logits(of: sequences, backend: reference).flatMap { $0 }
    let pruned = try model.logits(of: sequences, backend: reference, gates: model.blueprint.mask(plan)).flatMap { $0 }
    var sum = 0.0
    let vocabulary = 512
    for start in stride(from: 0, to: dense.count, by: vocabulary) {
      let (p, q) = (
        logProbabilities(dense[start..<start + vocabulary]), logProbabilities(pruned[start..<start + vocabulary])
      )
      sum += zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
    }
    return sum / Double(dense.count / vocabulary)
  }

  private static func logProbabilities(_ logits: ArraySlice<Float>) -> [Double] {
    let row = logits.map(Double.init)
    let largest = row.max() ?? 0
    let logSumExp = largest + log(row.reduce(0) { $0 + exp($1 - largest) })
    return row.map { $0 - logSumExp }
  }
}
