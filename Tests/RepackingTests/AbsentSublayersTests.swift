internal import Tensors
import Architectures
import Artifacts
import Blueprints
import Checkpoints
import Communication
import Compute
import LayerStreaming
import ModelTestSupport
import Repacking
import TestSupport
import Testing
import Transformers

/// Layers whose attention or MLP is gone whole.
@Suite struct AbsentSublayersTests {
  @Test(arguments: MaskedLogitsTests.models) func repackedEqualsMasked(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    let sequences = randomSequences(lengths: [23, 9], vocabularySize: model.blueprint.vocabularySize, seed: 6)
    let backend = TestedBackend.cpu.make()
    for seed in 0..<3 as Range<UInt64> {
      let plan = try PruningPlan.randomWithAbsentSublayers(for: model.blueprint, seed: seed)
      let repacked = try Repacked(model, plan)
      let pruned = try Model(path: repacked.path)
      #expect(repacked.result.layout == .perLayer)
      #expect(pruned.blueprint == model.blueprint.keeping(plan))
      #expect(repacked.result.parameterCount == pruned.parameterCount)
      let masked = try model.logits(of: sequences, backend: backend, gates: model.blueprint.mask(plan))
      let own = try pruned.logits(of: sequences, backend: backend)
      for (a, b) in zip(own, masked) { #expect(largestDifference(a, b) < 1e-5, "seed \(seed)") }
    }
  }

  /// A layer with nothing left in it, as the first one's MLP, are no hindrance; a pruned folder is pruned again.
  @Test(arguments: ["tiny-llama", "biased"]) func aWholeLayerGoes(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    var layers = try PruningPlan.random(for: model.blueprint, seed: 4).layers
    layers[0].mlp = []
    layers[1] = .init(attention: [], mlp: [])
    let plan = try PruningPlan.keeping(layers, of: model.blueprint)
    let once = try Repacked(model, plan)
    let middle = try Model(path: once.path)
    #expect(middle.blueprint.prunableLayers[1].mlpUnits == 0)
    let again = try PruningPlan.keeping(
      middle.blueprint.prunableLayers.map {
        .init(attention: Array(0..<min(1, $0.attentionUnits)), mlp: Array(0..<min(2, $0.mlpUnits)))
      }, of: middle.blueprint)
    let last = try withExtendedLifetime(once) { try Repacked(middle, again).opened() }
    let sequences = randomSequences(lengths: [12], vocabularySize: model.blueprint.vocabularySize, seed: 8)
    let backend = TestedBackend.cpu.make()
    let masks = (model.blueprint.mask(plan), middle.blueprint.mask(again))
    for (pruned, dense, mask) in [(middle, model, masks.0), (last, middle, masks.1)] {
      let own = try pruned.logits(of: sequences, backend: backend)
      let masked = try dense.logits(of: sequences, backend: backend, gates: mask)
      #expect(largestDifference(own[0], masked[0]) < 1e-5)
    }
  }

  /// Nothing of an absent sublayer is written but its last bias.
  @Test(arguments: ["tiny-llama", "biased"]) func itsTensorsAreGone(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    var layers = try PruningPlan.random(for: model.blueprint, seed: 4).layers
    layers[1] = .init(attention: [], mlp: [])
    let repacked = try Repacked(model, try PruningPlan.keeping(layers, of: model.blueprint))
    let folder = try CheckpointFolder(path: repacked.path)
    let left = folder.tensorNames.filter { $0.hasPrefix("model.layers.1.") }.sorted()
    let biases = ["model.layers.1.mlp.down_proj.bias", "model.layers.1.self_attn.o_proj.bias"]
    #expect(left == (name == "biased" ? biases : []))
    let entry = folder.configuration["per_layer_config"]?["1"]
    #expect(entry == ["num_attention_heads": 0, "num_key_value_heads": 0, "intermediate_size": 0])
  }

  /// Gradients pass absent sublayers, also where they still add a bias.
  @Test(arguments: ["tiny-llama", "biased"]) func gradientsEqualMasked(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    var layers = try PruningPlan.random(for: model.blueprint, seed: 21).layers
    layers[0].mlp = []
    layers[1] = .init(attention: [], mlp: [])
    let plan = try PruningPlan.keeping(layers, of: model.blueprint)
    let pruned = try Repacked(model, plan).opened()
    let sequences = randomSequences(lengths: [14], vocabularySize: model.blueprint.vocabularySize, seed: 9)
    let masked = try Self.gradients(model, sequences, gates: model.blueprint.mask(plan))
    let own = try Self.gradients(pruned, sequences, gates: nil)
    #expect(own.keys.contains { $0.part == .outputBias } == (name == "biased"))
    for (role, gradient) in own {
      let expected = try #require(masked[role], "\(role)")
      #expect(relativeError(gradient, expected) < 1e-4, "\(role)")
    }
  }

  @Test func layerZeroKeepsItsAttention() throws {
    let model = try RandomCheckpoint.shared
    let plan = try PruningPlan.keeping(
      [.init(attention: [], mlp: [1]), .init(attention: [0], mlp: [1])], of: model.blueprint)
    let parent = try TemporaryFolder()
    let error = #expect(throws: PeerFailure.self) {
      try Repacked.write(
        model, plan, to: parent.file("out"), layout: nil, maximumShardBytes: 1 << 30,
        communicator: SoloCommunicator())
    }
    #expect(
      error?.line
        == "the plan takes all attention out of layer 0, whose key-value cache tells generation how long the text is; "
        + "keep a unit in layers[0].attention")
    #expect(parent.names.isEmpty)
  }

  /// Layers of one shape cannot be said in Llama's own keys when that shape lacks its MLP.
  @Test func nativeLayersHaveBothSublayers() throws {
    let model = try RandomCheckpoint.shared
    let plan = try PruningPlan.keeping(
      [.init(attention: [1], mlp: []), .init(attention: [0], mlp: [])], of: model.blueprint)
    #expect(try Repacked(model, plan).result.layout == .perLayer)
    #expect(throws: PeerFailure.self) { try Repacked(model, plan, layout: .native) }
  }

  /// Gradients of f by all weights whose shape no plan changes: norms, last biases, embedding and head.
  private static func gradients(
    _ model: Model, _ sequences: [[Int32]], gates: ModelGates?
  ) throws -> [TensorRole: [Float]] {
    let backend = TestedBackend.cpu.make()
    let batches = sequences.map { TokenBatch(nextTokenOf: [$0]) }
    let boundaries = try BoundaryStore(
      layers: model.blueprint.layers.count, batches: batches, hiddenSize: model.blueprint.hiddenSize,
      backend: backend, memoryBudget: nil, spillFolder: "/tmp")
    var gradients: [TensorRole: [Float]] = [:]
    _ = try GradientPass(blueprint: model.blueprint, backend: backend, source: MappedLayerSource(model)).run(
      batches, objective: .loss, scope: .init(sequences: sequences.count, targets: 13),
      wants: .init(layerParts: [.normWeight, .outputBias, .downBias], embeddingAndHead: true),
      boundaries: boundaries, gates: gates
    ) { group, _, _ in
      for role in group.roles { if let matrix = group[role] { gradients[role] = backend.floats(matrix) } }
    }
    return gradients
  }
}
