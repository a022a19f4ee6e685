import Architectures
import Artifacts
import Blueprints
import Evaluation
import ModelTestSupport
import Repacking
import TestSupport
import Testing
import Transformers

/// A perplexity beyond all numbers is a measurement; one that is no number is none.
@Suite struct InfinitePerplexityTests {
  private static func source(_ model: Model, head factor: Float) throws -> MemoryLayerSource {
    let source = try MemoryLayerSource(model)
    let head = TensorRole(.head, .headWeight)
    source.values[head] = source.values[head]?.map { $0 * factor }
    return source
  }

  /// Logits so far apart that the mean loss is over 709: e to that power is infinite, though every logit is finite.
  @Test(arguments: TestedBackend.allCases) func aBadModelIsMeasured(backend: TestedBackend) throws {
    let model = try RandomCheckpoint.shared
    let windows = randomWindows([(20, 1), (9, 3)], vocabularySize: 64, seed: 3)
    let result = try EvaluationRun(model, backend).measure(windows, source: Self.source(model, head: 1e5))
    #expect(result.negativeLogLikelihood.isFinite && result.value == .infinity)
  }

  /// Logits that are infinite have no mean; so has a divergence of them.
  @Test(arguments: TestedBackend.allCases) func logitsThatOverflow(backend: TestedBackend) throws {
    let model = try RandomCheckpoint.shared
    let windows = randomWindows([(20, 1), (9, 3)], vocabularySize: 64, seed: 3)
    let dense = #expect(throws: Overflow.self) {
      try EvaluationRun(model, backend).measure(windows, source: Self.source(model, head: 1e38))
    }
    #expect(dense == Overflow(.head, .model))
    let plan = try PruningPlan.random(for: model.blueprint, seed: 1)
    let masked = #expect(throws: Overflow.self) {
      try EvaluationRun(model, backend).measure(windows, plan: plan, source: Self.source(model, head: 1e38))
    }
    #expect(masked == Overflow(.head, .plan))
    let divergence = #expect(throws: Overflow.self) {
      try EvaluationRun(model, backend)
        .divergences(windows.map(\.ids), plans: [plan], source: Self.source(model, head: 1e38))
    }
    #expect(divergence?.group == .head)
  }
}
