import Architectures
import Artifacts
import Blueprints
import Checkpoints
import Communication
import Evaluation
import ModelTestSupport
import Repacking
import TestSupport
import Testing

/// The perplexity of a plan, before and after the cut.
@Suite struct MaskedPerplexityTests {
  @Test(arguments: ["tiny-llama", "tiny-llama-tied", "tiny-llama3"], [1, 2] as [UInt64])
  func maskedEqualsRepacked(name: String, seed: UInt64) throws {
    let model = try Model(path: Fixtures.model(name))
    let plan = try PruningPlan.random(for: model.blueprint, seed: seed)
    let windows = randomWindows(PerplexityTests.lengths, vocabularySize: 512, seed: seed)
    let folder = try TemporaryFolder()
    _ = try Repacker(model, plan: plan, communicator: SoloCommunicator()).write(
      to: folder.file("out"), layout: nil, prepared: try OutputFolder(preparing: folder.file("out")),
      maximumShardBytes: 1 << 30, provenance: Provenance(version: "", planHash: ""),
      hooks: Repacker.Hooks(exitCode: { _ in 1 }))
    let masked = try EvaluationRun(model).measure(windows, plan: plan)
    let repacked = try EvaluationRun(try Model(path: folder.file("out"))).measure(windows)
    #expect(masked.tokens == repacked.tokens)
    #expect(abs(masked.negativeLogLikelihood - repacked.negativeLogLikelihood) < 1e-5 * masked.negativeLogLikelihood)
    let dense = try EvaluationRun(model).measure(windows)
    #expect(dense != masked)
  }
}
