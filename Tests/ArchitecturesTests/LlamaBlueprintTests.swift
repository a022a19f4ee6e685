import Architectures
import Blueprints
import Checkpoints
import ModelTestSupport
import TestSupport
import Testing

/// config.json of the Llama family, in the styles of transformers 4 and 5.
@Suite struct LlamaBlueprintTests {
  static let models = ["tiny-llama", "tiny-llama-tied", "tiny-llama-bf16", "tiny-llama-sharded", "tiny-llama3"]

  @Test(arguments: models) func bothStylesSayTheSame(model: String) throws {
    let newer = try Llama.blueprint(from: ModelConfiguration(path: Fixtures.model(model) + "/config.json"))
    let older = try Llama.blueprint(from: ModelConfiguration(path: Fixtures.model(model) + "/config.v4.json"))
    #expect(newer == older)
  }

  @Test func readsEveryWidth() throws {
    let blueprint = try Llama.blueprint(from: ModelConfiguration(path: Fixtures.model("tiny-llama3") + "/config.json"))
    #expect(blueprint.modelType == "llama")
    #expect(blueprint.vocabularySize == 512)
    #expect(blueprint.hiddenSize == 64)
    #expect(blueprint.maximumPositions == 512)
    #expect(blueprint.layers.count == 3)
    #expect(!blueprint.head.isTied)
    let rotary = RotarySpecification(
      theta: 500_000,
      scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: 64))
    let attention = AttentionSpecification(
      queryHeads: 4, keyValueHeads: 2, headWidth: 16, scale: 0.25, mask: .causal, position: .rotary(rotary),
      hasInputBias: false, hasOutputBias: false)
    #expect(blueprint.layers[2].sublayers[0].kind == .attention(attention))
    let mlp = MLPSpecification(width: 160, isGated: true, activation: .silu, hasBias: false)
    #expect(blueprint.layers[2].sublayers[1].kind == .mlp(mlp))
  }

  @Test func missingKeysHaveTheFamilysDefaults() throws {
    let blueprint = try blueprint(changing: [
      "num_key_value_heads": nil, "head_dim": nil, "hidden_act": nil, "rms_norm_eps": nil, "attention_bias": nil,
      "mlp_bias": nil, "tie_word_embeddings": nil, "rope_theta": nil, "max_position_embeddings": nil,
    ])
    let rotary = RotarySpecification(theta: 10_000, scaling: .none)
    let attention = AttentionSpecification(
      queryHeads: 4, keyValueHeads: 4, headWidth: 8, scale: 1 / Float(8).squareRoot(), mask: .causal,
      position: .rotary(rotary), hasInputBias: false, hasOutputBias: false)
    let norm = NormSpecification(kind: .rms, epsilon: 1e-6)
    #expect(
      blueprint.layers[0].sublayers[0]
        == SublayerSpecification(norm: norm, normPlacement: .before, kind: .attention(attention)))
    #expect(blueprint.maximumPositions == nil)
    #expect(!blueprint.head.isTied)
  }

  @Test(
    arguments: [
      ["type": "linear", "factor": 4.0], ["rope_type": "linear", "factor": 4],
    ] as [JSONValue])
  func olderNamesOfTheRotaryKindWork(scaling: JSONValue) throws {
    let blueprint = try blueprint(changing: ["rope_scaling": scaling, "rope_theta": 50_000])
    guard case .attention(let attention) = blueprint.layers[0].sublayers[0].kind else { throw NotAttention() }
    #expect(attention.position == .rotary(RotarySpecification(theta: 50_000, scaling: .linear(factor: 4))))
  }

  @Test func perLayerValuesComeBeforeGlobalOnes() throws {
    let blueprint = try blueprint(changing: [
      "per_layer_config": [
        "1": ["num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 3]
      ]
    ])
    let widths = blueprint.layers.map { layer in
      layer.prunableUnits(hiddenSize: 32).map { [$0.count, $0.activationWidth] }
    }
    #expect(widths == [[[2, 16], [24, 1]], [[1, 16], [3, 1]]])
    #expect(try self.blueprint(changing: ["per_layer_config": [:]]) == (try self.blueprint(changing: [:])))
  }

  private struct NotAttention: Error {}

  private func blueprint(changing changes: [String: JSONValue?]) throws -> Blueprint {
    var object = RandomCheckpoint.configuration
    for (key, value) in changes { object[key] = value }
    return try Llama.blueprint(from: ModelConfiguration(object: object, path: "config.json"))
  }
}
