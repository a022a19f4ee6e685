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
