import Architectures
import Artifacts
import Communication
import Evaluation
import LayerStreaming
import MPITestSupport
import ModelTestSupport
import TestSupport
import Testing

/// Perplexity does not depend on the number of ranks. Collective: see ``TestWorld``.
@Suite(.serialized) struct EvaluationRanksTests {
  @Test(arguments: [1 << 16, 20], [false, true]) func equalsSolo(roundTokens: Int, isMasked: Bool) throws {
    let communicator = try TestWorld.communicator("\(#function) \(roundTokens) \(isMasked)")
    let model = try Model(path: Fixtures.model("tiny-llama"))
    let plan = isMasked ? try PruningPlan.random(for: model.blueprint, seed: 9) : nil
    for lengths in [PerplexityTests.lengths, Array(PerplexityTests.lengths.prefix(1)), []] {
      let windows = randomWindows(lengths, vocabularySize: 512, seed: 11)
      let solo = try EvaluationRun(model).measure(windows, plan: plan)
      var run = EvaluationRun(model)
      run.communicator = communicator
      run.roundTokens = roundTokens
      let mapped = try run.measure(windows, plan: plan)
      let owner = try run.measure(
        windows, plan: plan,
        source: try BroadcastLayerSource(model, communicator: try communicator.duplicate(waiting: .sleeping)))
      #expect(mapped.tokens == solo.tokens)
      #expect(abs(mapped.negativeLogLikelihood - solo.negativeLogLikelihood) <= 1e-6 * solo.negativeLogLikelihood)
      #expect(owner == mapped)
      let largest = try communicator.maximum(of: mapped.negativeLogLikelihood)
      #expect(largest == mapped.negativeLogLikelihood)
    }
  }

  /// Nor does the divergence of pruned models, even where a rank has no sequence, or more rounds than others.
  @Test(arguments: [1 << 16, 64], [0, 1, 2, 7]) func divergenceEqualsSolo(roundTokens: Int, count: Int) throws {
    let communicator = try TestWorld.communicator("\(#function) \(roundTokens) \(count)")
    let model = try Model(path: Fixtures.model("tiny-llama"))
    let plans = try [4, 5, 6].map { try PruningPlan.random(for: model.blueprint, seed: $0) }
    let sequences = randomSequences(
      lengths: Array([30, 12, 25, 3, 18, 9, 21].prefix(count)), vocabularySize: 512, seed: 2)
    let solo = try EvaluationRun(model).divergences(sequences, plans: plans)
    var run = EvaluationRun(model)
    run.communicator = communicator
    run.roundTokens = roundTokens
    let isLast = communicator.rank == communicator.size - 1
    let results = [
      try run.divergences(sequences, plans: plans),
      try run.divergences(
        sequences, plans: plans,
        source: try BroadcastLayerSource(model, communicator: try communicator.duplicate(waiting: .sleeping))),
      try run.divergences(
        sequences, own: isLast ? sequences : [], plans: plans,
        source: try BroadcastLayerSource(model, communicator: try communicator.duplicate(waiting: .sleeping))),
    ]
    for result in results {
      #expect(result.count == 3)
      for (own, expected) in zip(result, solo) {
        #expect(count == 0 ? own.isNaN && expected.isNaN : abs(own - expected) <= 1e-6 * expected && expected > 0)
        let largest = try communicator.maximum(of: count == 0 ? 0 : own)
        #expect(count == 0 || largest == own)
      }
    }
    #expect(count == 0 || results[0] == results[1])
  }

  /// A rank with more rounds than the others does not leave them behind.
  @Test func unevenRounds() throws {
    let communicator = try TestWorld.communicator()
    let model = try Model(path: Fixtures.model("tiny-llama-tied"))
    let windows = randomWindows(PerplexityTests.lengths, vocabularySize: 512, seed: 11)
    var run = EvaluationRun(model)
    run.communicator = communicator
    run.roundTokens = 8
    let source = try BroadcastLayerSource(model, communicator: try communicator.duplicate(waiting: .sleeping))
    let isLast = communicator.rank == communicator.size - 1
    let result = try run.measure(windows, own: isLast ? windows : [], source: source)
    let solo = try EvaluationRun(model).measure(windows)
    #expect(result.tokens == solo.tokens)
    #expect(abs(result.negativeLogLikelihood - solo.negativeLogLikelihood) <= 1e-6 * solo.negativeLogLikelihood)
  }
}
