import Architectures
import Artifacts
import Blueprints
import Checkpoints
import ModelTestSupport
import TestSupport
import Testing

/// Two keys of a config.json that say the same thing, or do not.
@Suite struct LlamaSourcesTests {
  private static let llama3: [String: JSONValue] = [
    "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
  ]

  static let agreeing: [([String: JSONValue?], RotarySpecification)] = [
    (["rope_parameters": ["rope_type": "default", "rope_theta": 10000]], .init(theta: 10_000, scaling: .none)),
    (["rope_theta": nil, "rope_parameters": ["rope_theta": 7]], .init(theta: 7, scaling: .none)),
    (["rope_theta": nil, "rope_scaling": ["type": "default", "rope_theta": 7]], .init(theta: 7, scaling: .none)),
    (["rope_scaling": [:], "rope_parameters": [:]], .init(theta: 10_000, scaling: .none)),
    (
      ["rope_scaling": ["type": "linear", "factor": 2], "rope_parameters": ["rope_type": "linear", "factor": 2.0]],
      .init(theta: 10_000, scaling: .linear(factor: 2))
    ),
    (["partial_rotary_factor": 1.0], .init(theta: 10_000, scaling: .none)),
    // The original length inside, beside, in both places, and in none.
    (
      ["rope_parameters": .object(llama3.merging(["original_max_position_embeddings": 32]) { $1 })],
      .init(theta: 10_000, scaling: llama3(32))
    ),
    (
      ["rope_parameters": .object(llama3), "original_max_position_embeddings": 32],
      .init(theta: 10_000, scaling: llama3(32))
    ),
    (
      [
        "rope_scaling": .object(llama3.merging(["original_max_position_embeddings": 32]) { $1 }),
        "original_max_position_embeddings": 32,
      ], .init(theta: 10_000, scaling: llama3(32))
    ),
    (["rope_parameters": .object(llama3)], .init(theta: 10_000, scaling: llama3(64))),
  ]

  private static func llama3(_ positions: Int) -> RotarySpecification.Scaling {
    .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: positions)
  }

  @Test(arguments: agreeing.indices) func whatAgreesIsRead(index: Int) throws {
    let (changes, expected) = Self.agreeing[index]
    let layers = try blueprint(changing: changes).layers
    guard case .attention(let attention) = layers[0].sublayers[0].kind else { throw NotAttention() }
    #expect(attention.position == .rotary(expected))
  }

  static let disagreeing: [(JSONValue, String)] = [
    (
      ["rope_parameters": ["rope_type": "default"], "rope_scaling": ["type": "linear", "factor": 2]],
      "key \"rope_scaling\" is an object; it says linear scaling by 2.0, but \"rope_parameters\" no scaling; remove the one "
        + "that the model was not trained with (transformers follows \"rope_scaling\")"
    ),
    (
      ["rope_parameters": ["rope_type": "linear", "factor": 4], "rope_scaling": ["type": "linear", "factor": 2]],
      "key \"rope_scaling\" is an object; it says linear scaling by 2.0, but \"rope_parameters\" linear scaling by 4.0; "
        + "remove the one that the model was not trained with (transformers follows \"rope_scaling\")"
    ),
    (
      ["rope_parameters": ["rope_theta": 500]],
      "key \"rope_theta\" is 10000.0; but \"rope_parameters.rope_theta\" is 500.0; remove the one that the model was not "
        + "trained with"
    ),
    (
      ["rope_scaling": ["type": "default", "rope_theta": 500]],
      "key \"rope_scaling.rope_theta\" is 500; but \"rope_theta\" is 10000.0; remove the one that the model was not trained "
        + "with"
    ),
    (
      ["rope_scaling": ["type": "default", "rope_type": "linear"]],
      "key \"rope_scaling.type\" is the string \"default\"; but \"rope_scaling.rope_type\" is \"linear\"; remove one of the "
        + "two"
    ),
    (
      [
        "rope_parameters": .object(llama3.merging(["original_max_position_embeddings": 32]) { $1 }),
        "original_max_position_embeddings": 16,
      ],
      "key \"original_max_position_embeddings\" is 16; but \"rope_parameters.original_max_position_embeddings\" is 32; "
        + "remove the one that the model was not trained with"
    ),
    (
      ["rope_parameters": ["partial_rotary_factor": 0.5]],
      "key \"rope_parameters.partial_rotary_factor\" is 0.5; a Llama rotates whole heads, so it can only be 1"
    ),
    (
      ["rope_parameters": ["full_attention": ["rope_type": "linear"]]],
      "key \"rope_parameters.full_attention\" is an object; the layers of a Llama all rotate alike; put its members one "
        + "level higher"
    ),
    (
      ["per_layer_config": ["01": ["intermediate_size": 8], "1": ["intermediate_size": 9]]],
      "key \"per_layer_config\" is an object; \"01\" and \"1\" are the same layer, with different values; remove one"
    ),
    (
      ["per_layer_config": ["-1": [:]]],
      "key \"per_layer_config\" is an object; \"-1\" is none of the model's 2 layers, counted from 0"
    ),
    (
      ["per_layer_config": ["": [:]]],
      "key \"per_layer_config\" is an object; \"\" is none of the model's 2 layers, counted from 0"
    ),
    (
      ["per_layer_config": ["1": ["skip": "mlp"]]],
      "key \"per_layer_config.1.skip\" is the string \"mlp\"; it must be a list of strings"
    ),
    (
      ["per_layer_config": ["1": ["skip": ["mlp", "ssm"]]]],
      "key \"per_layer_config.1.skip\" is a list; \"ssm\" is no sublayer of a Llama; it has attention and mlp"
    ),
    (
      ["per_layer_config": ["1": ["skip": ["mlp"], "intermediate_size": 8]]],
      "key \"per_layer_config.1.intermediate_size\" is 8; \"per_layer_config.1.skip\" says that the layer has no mlp; remove "
        + "one of the two"
    ),
    (
      ["per_layer_config": ["1": ["skip": ["attention"], "num_key_value_heads": 1]]],
      "key \"per_layer_config.1.num_key_value_heads\" is 1; \"per_layer_config.1.skip\" says that the layer has no "
        + "attention; remove one of the two"
    ),
    (
      ["per_layer_config": ["1": ["attention_bias": false]]],
      "key \"per_layer_config.1.attention_bias\" is false; of a layer, only num_attention_heads, num_key_value_heads, "
        + "head_dim, intermediate_size and skip may differ from the model's"
    ),
  ]

  @Test(arguments: disagreeing) func whatDisagreesIsNamed(changes: JSONValue, message: String) throws {
    let error = #expect(throws: CheckpointError.self) {
      try blueprint(changing: (changes.objectValue ?? [:]).mapValues { $0 })
    }
    #expect(error?.code == .invalidValue && error?.message == "config.json: " + message)
  }

  @Test(
    arguments: [
      ["01": ["intermediate_size": 8]], ["1": ["intermediate_size": 8]], ["0001": ["intermediate_size": 8]],
      ["1": ["intermediate_size": 8], "01": ["intermediate_size": 8]],
      ["00": [:], "01": ["intermediate_size": 8, "hidden_size": 32, "skip": []]],
    ] as [JSONValue])
  func layersAreNumbers(perLayer: JSONValue) throws {
    let widths = try blueprint(changing: ["per_layer_config": perLayer]).prunableLayers.map(\.mlpUnits)
    #expect(widths == [24, 8])
  }

  @Test(
    arguments: [
      (["1": ["skip": ["mlp"]]], [[2, 24], [2, 0]]), (["01": ["skip": ["attention"]]], [[2, 24], [0, 24]]),
      (["0": ["skip": ["mlp", "attention"]]], [[0, 0], [2, 24]]),
      (["0": ["skip": ["mlp"], "intermediate_size": 24, "num_attention_heads": 2]], [[1, 0], [2, 24]]),
      (["0": ["skip": ["attention"], "num_attention_heads": 0, "num_key_value_heads": 2]], [[0, 24], [2, 24]]),
    ] as [(JSONValue, [[Int]])])
  func skippedSublayersAreAbsent(perLayer: JSONValue, units: [[Int]]) throws {
    var changes: [String: JSONValue?] = ["per_layer_config": perLayer]
    if units[0][0] == 1 { changes["num_key_value_heads"] = 2 }
    let blueprint = try blueprint(changing: changes)
    #expect(blueprint.layers.map { $0.sublayers.map(\.isAbsent) } == units.map { $0.map { $0 == 0 } })
    #expect(blueprint.prunableLayers.map(\.mlpUnits) == units.map { $0[1] })
  }

  @Test func twoTypesAreNamed() throws {
    let folder = try TemporaryFolder()
    func shape(_ changes: [String: JSONValue]) throws -> ModelShape {
      let object = RandomCheckpoint.configuration.merging(changes) { $1 }
      return try ModelShape(configuration: folder.write(JSONValue.object(object).prettyText, to: "config.json"))
    }
    #expect(try shape(["dtype": "float32"]).byteCount == shape([:]).byteCount)
    let error = #expect(throws: CheckpointError.self) { try shape(["dtype": "bfloat16"]) }
    #expect(
      error?.message.contains("key \"torch_dtype\" is the string \"float32\"; but \"dtype\" is \"bfloat16\"") == true)
  }

  private struct NotAttention: Error {}

  private func blueprint(changing changes: [String: JSONValue?]) throws -> Blueprint {
    var object = RandomCheckpoint.configuration
    for (key, value) in changes { object[key] = value }
    return try Llama.blueprint(from: ModelConfiguration(object: object, path: "config.json"))
  }
}
