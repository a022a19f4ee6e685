import Allocation
import Architectures
import Artifacts
import Blueprints
import ModelTestSupport
import Repacking
import TestSupport
import Testing

/// From scores to a shallower model.
@Suite struct DepthPlanTests {
  @Test(arguments: MaskedLogitsTests.models) func repackedEqualsMasked(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    let layers = model.blueprint.prunableLayers
    let sequences = randomSequences(lengths: [23, 9], vocabularySize: model.blueprint.vocabularySize, seed: 6)
    let backend = TestedBackend.cpu.make()
    var generator = SeededGenerator(seed: 5)
    let scores = ScoreTable(
      layers: layers.map { layer in
        ScoreTable.Layer(
          attention: (0..<layer.attentionUnits).map { _ in Float.random(in: 0...9, using: &generator) },
          mlp: (0..<layer.mlpUnits).map { _ in Float.random(in: 0...1, using: &generator) })
      },
      metadata: ScoreTable.Metadata(criterion: "random", objective: "", accumulation: "", modelHash: "", dataHash: ""))
    var removed: Set<Int> = []
    for sparsity in [0.25, 0.45] {
      let plan = try allocate(
        scores, layers: layers, settings: AllocationSettings(method: .depth, sparsity: sparsity))
      removed.insert(plan.layers.reduce(0) { $0 + ($1.attention.isEmpty ? 1 : 0) + ($1.mlp.isEmpty ? 1 : 0) })
      let repacked = try Repacked(model, plan)
      let pruned = try Model(path: repacked.path)
      #expect(repacked.result.layout == .perLayer)
      let masked = try model.logits(of: sequences, backend: backend, gates: model.blueprint.mask(plan))
      let own = try pruned.logits(of: sequences, backend: backend)
      for (a, b) in zip(own, masked) { #expect(largestDifference(a, b) < 1e-5, "sparsity \(sparsity)") }
    }
    #expect(removed.count == 2 && !removed.contains(0))
  }
}
