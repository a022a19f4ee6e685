import Architectures
import Checkpoints
import Foundation
import ModelTestSupport
import TestSupport
import Testing

/// A config.json with one thing wrong in it: one line that names the key, its value and what it must be.
@Suite struct LlamaRefusalTests {
  @Test(
    arguments: [
      "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size",
    ])
  func aMissingKeyIsNamed(key: String) throws {
    let error = try refusal([key: nil])
    #expect(error.code == .missingKey)
    #expect(
      error.message
        == "config.json: key \"\(key)\" is missing; check that the file is the model's own, or add the key")
  }

  static let wrong: [(JSONValue, String)] = [
    (["hidden_act": "gelu"], "key \"hidden_act\" is the string \"gelu\"; only silu is computed"),
    (["hidden_act": 3], "key \"hidden_act\" is 3; it must be a string"),
    (["hidden_size": "32"], "key \"hidden_size\" is the string \"32\"; it must be an integer"),
    (["hidden_size": 0], "key \"hidden_size\" is 0; it must be a positive integer"),
    (["hidden_size": 16_777_217], "key \"hidden_size\" is 16777217; it must be at most 16777216"),
    (["num_attention_heads": -4], "key \"num_attention_heads\" is -4; it must be a positive integer"),
    (["num_hidden_layers": 5000], "key \"num_hidden_layers\" is 5000; at most 4096"),
    (["num_hidden_layers": 2.0], "key \"num_hidden_layers\" is 2.0; it must be an integer"),
    (
      ["vocab_size": 9_223_372_036_854_775_807],
      "key \"vocab_size\" is 9223372036854775807; it must be a positive integer"
    ),
    (["vocab_size": 1_099_511_627_776], "key \"vocab_size\" is 1099511627776; it must be at most 16777216"),
    (["num_key_value_heads": 3], "key \"num_key_value_heads\" is 3; it must divide num_attention_heads (4)"),
    (["num_key_value_heads": 8], "key \"num_key_value_heads\" is 8; it must divide num_attention_heads (4)"),
    (["head_dim": 7], "key \"head_dim\" is 7; rotary position embedding needs an even width"),
    (
      ["head_dim": nil, "num_attention_heads": 6],
      "key \"num_attention_heads\" is 6; it must divide hidden_size (32) where head_dim is not given"
    ),
    (
      ["intermediate_size": 1_099_511_627_776],
      "key \"intermediate_size\" is 1099511627776; it must be at most 16777216"
    ),
    (["rms_norm_eps": -0.5], "key \"rms_norm_eps\" is -0.5; it must be at least 0 and below 1"),
    (["rms_norm_eps": 1e300], "key \"rms_norm_eps\" is 1e+300; it must be at least 0 and below 1"),
    (["attention_bias": 1], "key \"attention_bias\" is 1; it must be true or false"),
    (["tie_word_embeddings": "no"], "key \"tie_word_embeddings\" is the string \"no\"; it must be true or false"),
    (["rope_theta": 0], "key \"rope_theta\" is 0; it must be above 0"),
    (
      ["rope_scaling": ["rope_type": "yarn", "factor": 4]],
      "key \"rope_scaling.rope_type\" is the string \"yarn\"; only default, linear and llama3 are computed"
    ),
    (
      ["rope_scaling": ["type": "dynamic", "factor": 4]],
      "key \"rope_scaling.type\" is the string \"dynamic\"; only default, linear and llama3 are computed"
    ),
    (
      ["rope_parameters": ["rope_type": "linear"]],
      "key \"rope_parameters.factor\" is missing; check that the file is the model's own, or add the key"
    ),
    (
      ["rope_parameters": ["rope_type": "linear", "factor": -1]],
      "key \"rope_parameters.factor\" is -1; it must be above 0"
    ),
    (
      ["rope_parameters": ["rope_type": "default", "rope_theta": -1]],
      "key \"rope_parameters.rope_theta\" is -1; it must be above 0"
    ),
    (["rope_parameters": []], "key \"rope_parameters\" is a list; it must be an object"),
    (["per_layer_config": 3], "key \"per_layer_config\" is 3; it must be an object"),
    (["per_layer_config": ["0": 3]], "key \"per_layer_config.0\" is 3; it must be an object"),
    (
      ["per_layer_config": ["1": ["intermediate_size": -1]]],
      "key \"per_layer_config.1.intermediate_size\" is -1; it must be a positive integer, or 0 for none"
    ),
    (
      ["per_layer_config": ["1": ["num_attention_heads": 0]]],
      "key \"num_key_value_heads\" is 2; it must be 0 where num_attention_heads is, and only there (0)"
    ),
    (
      ["per_layer_config": ["1": ["num_key_value_heads": 0]]],
      "key \"per_layer_config.1.num_key_value_heads\" is 0; it must be 0 where num_attention_heads is, and only there (4)"
    ),
    (["intermediate_size": 0], "key \"intermediate_size\" is 0; it must be a positive integer"),
    (
      ["per_layer_config": ["1": ["head_dim": 0]]],
      "key \"per_layer_config.1.head_dim\" is 0; it must be a positive integer"
    ),
    (
      ["per_layer_config": ["0": ["num_key_value_heads": 3]]],
      "key \"per_layer_config.0.num_key_value_heads\" is 3; it must divide num_attention_heads (4)"
    ),
    (
      ["per_layer_config": ["2": ["intermediate_size": 8]]],
      "key \"per_layer_config\" is an object; \"2\" is none of the model's 2 layers, counted from 0"
    ),
    (
      ["per_layer_config": ["02": ["intermediate_size": 8]]],
      "key \"per_layer_config\" is an object; \"02\" is none of the model's 2 layers, counted from 0"
    ),
  ]

  @Test(arguments: wrong) func aWrongValueIsNamed(changes: JSONValue, message: String) throws {
    let error = try refusal((changes.objectValue ?? [:]).mapValues { $0 })
    #expect(error.code == (message.contains("is missing") ? .missingKey : .invalidValue))
    #expect(error.message == "config.json: " + message)
  }

  @Test func anUnknownFamilyIsNamed() throws {
    let folder = try RandomCheckpoint().folder
    for (value, message) in [
      ("\"mamba\"", "is the string \"mamba\"; \"mamba\" is not a family that Espalier prunes; it knows llama"),
      ("null", "is missing; check that the file is the model's own, or add the key"),
    ] {
      try folder.write("{\"model_type\": \(value)}", to: "config.json")
      let error = #expect(throws: CheckpointError.self) { try Model(path: folder.path) }
      #expect(error?.message == "\(folder.path)/config.json: key \"model_type\" \(message)")
    }
  }

  private func refusal(_ changes: [String: JSONValue?]) throws -> CheckpointError {
    var object = RandomCheckpoint.configuration
    for (key, value) in changes { object[key] = value }
    let configuration = ModelConfiguration(object: object, path: "config.json")
    return try #require(#expect(throws: CheckpointError.self) { try Llama.blueprint(from: configuration) })
  }
}
