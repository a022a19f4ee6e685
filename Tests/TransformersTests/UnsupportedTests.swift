import Architectures
import Blueprints
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// A blueprint that this build has no arithmetic for is refused, never computed wrongly.
@Suite struct UnsupportedTests {
  @Test(
    arguments: [
      (Blueprint.bert(), "layers normed other than by RMSNorm before each sublayer"),
      (.t5(), "relative position bias"),
    ])
  func drawnButNotComputed(blueprint: Blueprint, what: String) {
    for layer in blueprint.layers { expectRefusal(layer, of: [what, "cross attention", "relative position bias"]) }
    expectRefusal(blueprint.layers[0], of: [what])
  }

  @Test func mlpsOtherThanTheGatedOneWithSilu() throws {
    let layer = try Model(path: Fixtures.model("tiny-llama")).blueprint.layers[0]
    for (isGated, activation) in [(false, Activation.silu), (true, .gelu), (true, .relu), (true, .geluNew)] {
      var changed = layer
      changed.sublayers[1].kind = .mlp(
        MLPSpecification(width: 160, isGated: isGated, activation: activation, hasBias: false))
      expectRefusal(changed, of: ["an MLP other than the gated one with silu"])
    }
  }

  /// What stands around the layers is looked at before any of them is asked for.
  @Test func embeddingsWithMoreThanTokens() throws {
    let model = try Model(path: Fixtures.model("tiny-llama"))
    let norm = NormSpecification(kind: .rms, epsilon: 1e-5)
    for embedding in [
      EmbeddingSpecification(learnedPositions: 8), EmbeddingSpecification(tokenTypes: 2),
      EmbeddingSpecification(norm: norm),
    ] {
      var blueprint = model.blueprint
      blueprint.embedding = embedding
      try expectRefusal(of: blueprint, model, "an embedding of more than tokens")
    }
    var twice = model.blueprint
    twice.stacks += twice.stacks
    try expectRefusal(of: twice, model, "more than one stack of layers")
  }

  @Test func headsOtherThanNormAndMatrix() throws {
    let model = try Model(path: Fixtures.model("tiny-llama"))
    var biased = model.blueprint
    biased.head.hasBias = true
    var scaled = model.blueprint
    scaled.head.inputScale = 0.5
    var bare = model.blueprint
    bare.stacks[0].finalNorm = nil
    for blueprint in [biased, scaled, bare] {
      try expectRefusal(of: blueprint, model, "an output head other than RMSNorm and one matrix")
    }
  }

  private func expectRefusal(_ layer: LayerSpecification, of whats: [String]) {
    let error = #expect(throws: TransformerError.self) {
      try LayerPass(layer, backend: TestedBackend.reference.make(), rotaryTables: RotaryTables(positions: 4))
    }
    let lines = whats.map { "the model has \($0), which this version of Espalier does not compute" }
    #expect(error.map { lines.contains($0.description) } == true, "\(error?.description ?? "")")
  }

  private func expectRefusal(of blueprint: Blueprint, _ model: Model, _ what: String) throws {
    let pass = ForwardPass(
      blueprint: blueprint, backend: TestedBackend.cpu.make(), source: try MemoryLayerSource(model))
    let error = #expect(throws: TransformerError.self) {
      try pass.run([TokenBatch(nextTokenOf: [[1, 2, 3]])]) { _, _, _ in }
    }
    #expect(error?.description == "the model has \(what), which this version of Espalier does not compute")
  }
}
