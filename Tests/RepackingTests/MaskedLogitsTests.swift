internal import Tensors
import Architectures
import Artifacts
import Blueprints
import Checkpoints
import Compute
import ModelTestSupport
import Repacking
import TestSupport
import Testing
import Transformers

/// The repacked model computes what the masked dense one does, whatever the plan.
@Suite struct MaskedLogitsTests {
  static let models = [
    "tiny-llama", "tiny-llama-tied", "tiny-llama-bf16", "tiny-llama-sharded", "tiny-llama3", "biased",
  ]

  static func model(_ name: String) throws -> Model {
    name == "biased" ? try RandomCheckpoint.shared : try Model(path: Fixtures.model(name))
  }

  @Test(arguments: models, [CheckpointLayout.perLayer, .native])
  func repackedEqualsMasked(name: String, layout: CheckpointLayout) throws {
    let model = try Self.model(name)
    let sequences = randomSequences(
      lengths: [23, 9], vocabularySize: model.blueprint.vocabularySize, seed: 6)
    for seed in 0..<6 as Range<UInt64> {
      let plan = try PruningPlan.random(for: model.blueprint, seed: seed, isUniform: layout == .native)
      let repacked = try Repacked(model, plan, layout: layout)
      #expect(repacked.result.layout == layout)
      let pruned = try Model(path: repacked.path)
      #expect(pruned.blueprint == model.blueprint.keeping(plan))
      #expect(repacked.result.parameterCount == pruned.parameterCount)
      #expect(repacked.result.byteCount == pruned.folder.totalBytes)
      let backend = TestedBackend.cpu.make()
      let masked = try model.logits(of: sequences, backend: backend, gates: model.blueprint.mask(plan))
      let own = try pruned.logits(of: sequences, backend: backend)
      for (a, b) in zip(own, masked) { #expect(largestDifference(a, b) < 1e-5, "seed \(seed)") }
    }
  }

  /// The whole model kept is the model again; one unit per layer is the least.
  @Test(arguments: models) func extremes(name: String) throws {
    let model = try Self.model(name)
    let whole = try PruningPlan.keeping(
      model.blueprint.prunableLayers.map {
        .init(attention: Array(0..<$0.attentionUnits), mlp: Array(0..<$0.mlpUnits))
      }, of: model.blueprint)
    let unpruned = try Repacked(model, whole)
    let kept = try Model(path: unpruned.path)
    #expect(kept.blueprint == model.blueprint)
    #expect(unpruned.result.byteCount == model.folder.totalBytes)
    let least = try PruningPlan.keeping(
      model.blueprint.prunableLayers.map { .init(attention: [$0.attentionUnits - 1], mlp: [$0.mlpUnits - 1]) },
      of: model.blueprint)
    let repacked = try Repacked(model, least)
    let pruned = try Model(path: repacked.path)
    let sequences = randomSequences(lengths: [12], vocabularySize: model.blueprint.vocabularySize, seed: 8)
    let masked = try model.logits(
      of: sequences, backend: TestedBackend.reference.make(), gates: model.blueprint.mask(least))
    let own = try pruned.logits(of: sequences, backend: TestedBackend.reference.make())
    #expect(largestDifference(own[0], masked[0]) < 1e-5)
  }

  /// A pruned folder, per layer or native, is a model that can be pruned again.
  @Test(arguments: [CheckpointLayout.perLayer, .native]) func prunedTwice(layout: CheckpointLayout) throws {
    let model = try Self.model("biased")
    let isUniform = layout == .native
    let once = try Repacked(
      model, try PruningPlan.random(for: model.blueprint, seed: 12, isUniform: isUniform), layout: layout)
    let middle = try Model(path: once.path)
    let plan = try PruningPlan.random(for: middle.blueprint, seed: 13, isUniform: isUniform)
    let twice = try Repacked(middle, plan, layout: layout)
    let last = try Model(path: twice.path)
    let sequences = randomSequences(lengths: [15], vocabularySize: 64, seed: 8)
    let backend = TestedBackend.cpu.make()
    let masked = try middle.logits(of: sequences, backend: backend, gates: middle.blueprint.mask(plan))
    #expect(largestDifference(try last.logits(of: sequences, backend: backend)[0], masked[0]) < 1e-5)
    #expect(twice.names == once.names)
  }
}
